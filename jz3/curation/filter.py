"""Judges each problem by rules of form, on its own text alone; the first rule in the order of RULES counts.

Each rule is a function of one problem and the parameters that says what it saw, or None; its
docstring is the reason for it, the numbers have their sources in the profiles. Costs some 400 problems of the
released length a second, most of it for words and repetition; rows are read in frames.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.params import Params
from jz3.curation.last_step import contradiction
from jz3.curation.latex import unbalanced
from jz3.curation.repetition import most_frequent_share, repeated_lines_share, repeated_share
from jz3.curation.verdicts import VERDICT_SCHEMA, shown, verdict_ledger
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.text.words import words

FRAME_ROWS = 50_000
"""Problems judged at a time: some 150 MB of text."""

Share = Annotated[float, Field(ge=0, le=1)]


class Length(Params):
    """Words of a part."""

    least: int = Field(ge=1)
    most: int = Field(ge=1)


class Repetition(Params):
    """Bounds on how much a solution's prose repeats itself; Gopher's, wider where mathematics repeats."""

    least_words: int = Field(ge=1)
    """Shorter prose is not judged."""
    lines: Share
    """Share of repeated lines."""
    most_frequent: dict[int, Share]
    """By n: share of the most frequent n-gram."""
    repeated: dict[int, Share]
    """By n: share of words in repeated n-grams."""


class FilterParams(Params):
    """Thresholds and phrases of the rules. Phrases are sought in lower case, between word boundaries."""

    problem_words: Length
    solution_words: Length
    repetition: Repetition
    most_foreign_letters: Share
    """Share of letters that are neither Latin nor Greek."""
    copied_phrases: list[str]
    """Words of our prompt templates that a self-contained problem does not use."""
    figure_phrases: list[str]
    most_parts: int = Field(ge=1)
    """Parts that one problem may ask for, such as (a), (b), (c)."""
    doubt_phrases: list[str]
    boxed: dict[str, list[str]]
    """By kind: the levels whose solutions must end in a box."""


class FilterMetrics(BaseModel):
    """What was rejected."""

    rows: Ledger
    kept_share: float
    rejected_by_kind: dict[str, int]


@dataclass(frozen=True)
class Candidate:
    """A problem with what several rules ask of it."""

    level: str | None
    kind: str
    problem: str
    solution: str
    answer: str | None

    @cached_property
    def prose(self) -> str:
        """The solution without its code blocks."""
        return re.sub(r"^```.*?^```[ \t]*$", "", self.solution, flags=re.DOTALL | re.MULTILINE)

    @cached_property
    def prose_words(self) -> list[str]:
        return words(self.prose)


Rule = Callable[[Candidate, FilterParams], str | None]


def problem_length(row: Candidate, params: FilterParams) -> str | None:
    """Empty, cut short or rambling: no one can work on it (released rows: 10 to 546 words)."""
    return _outside(len(words(row.problem)), params.problem_words, row.problem)


def solution_length(row: Candidate, params: FilterParams) -> str | None:
    """A bare answer teaches nothing; what runs on has lost its way (released rows: 36 to 1,231 words)."""
    return _outside(len(words(row.solution)), params.solution_words, row.solution)


def language(row: Candidate, params: FilterParams) -> str | None:
    """The corpus is English; models drift into other scripts at high temperature."""
    text = row.problem + row.solution
    if text.isascii():
        return None
    letters = [character for character in text if character.isalpha()]
    foreign = [character for character in letters if not _is_latin_or_greek(character)]
    return shown("".join(foreign)) if len(foreign) > params.most_foreign_letters * len(letters) else None


def copied_template(row: Candidate, params: FilterParams) -> str | None:
    """A problem that speaks of the passage or of our marks cannot be read without the prompt."""
    return _phrase(params.copied_phrases, row.problem) or _phrase(params.copied_phrases, row.solution)


def missing_figure(row: Candidate, params: FilterParams) -> str | None:
    """The figure is not there (the prompts ask for problems in text alone, as the released ones do)."""
    return _phrase(params.figure_phrases, row.problem)


def several_problems(row: Candidate, params: FilterParams) -> str | None:
    """One answer cannot be checked against many questions (37 % of released prose rows have parts)."""
    titles = _TITLES.findall(row.problem)
    parts = [part.strip() for part in _PARTS.findall(row.problem)]
    if len(titles) > 1:
        return shown(" ".join(titles))
    return shown(" ".join(parts)) if len(parts) > params.most_parts else None


def unbalanced_latex(row: Candidate, _: FilterParams) -> str | None:
    """Cut or garbled formulas."""
    return unbalanced(row.problem) or unbalanced(row.prose)


def repetition(row: Candidate, params: FilterParams) -> str | None:
    """Loops of a model that has lost its way (Rae et al. 2021)."""
    bounds, sequence = params.repetition, row.prose_words
    if len(sequence) < bounds.least_words:
        return None
    lines = repeated_lines_share(row.prose)
    if lines > bounds.lines:
        return f"repeated lines {lines:.3f}"
    for name, share, bound_of in (
        ("most frequent", most_frequent_share, bounds.most_frequent),
        ("repeated", repeated_share, bounds.repeated),
    ):
        for n, bound in bound_of.items():
            found = share(sequence, n)
            if found > bound:
                return f"{name} {n}-grams {found:.3f}"
    return None


def self_doubt(row: Candidate, params: FilterParams) -> str | None:
    """A solution that takes itself back is a wrong path taught as the right one (27 of 1,000 rows)."""
    return _phrase(params.doubt_phrases, row.prose)


def no_answer(row: Candidate, params: FilterParams) -> str | None:
    """Where a level asks for a box, a solution without one was not finished."""
    wanted = row.answer is None and row.level in params.boxed.get(row.kind, [])
    return shown(row.solution[-100:]) if wanted else None


def contradicted_answer(row: Candidate, _: FilterParams) -> str | None:
    """The box is not what the last step found."""
    return contradiction(row.prose, row.answer)


RULES: tuple[tuple[str, Rule], ...] = (
    ("filter.problem_length", problem_length),
    ("filter.solution_length", solution_length),
    ("filter.language", language),
    ("filter.copied_template", copied_template),
    ("filter.missing_figure", missing_figure),
    ("filter.several_problems", several_problems),
    ("filter.unbalanced_latex", unbalanced_latex),
    ("filter.repetition", repetition),
    ("filter.self_doubt", self_doubt),
    ("filter.no_answer", no_answer),
    ("filter.contradicted_answer", contradicted_answer),
)
"""Cheap rules and plain defects first, so that the evidence is the plainest there is."""


def judge(row: Candidate, params: FilterParams) -> tuple[str | None, str | None]:
    """Rule and evidence of the first rule that fires."""
    for name, rule in RULES:
        evidence = rule(row, params)
        if evidence is not None:
            return name, evidence
    return None, None


def filter_problems(
    frames: Iterable[dy.DataFrame[Problem]], params: FilterParams
) -> tuple[pl.DataFrame, FilterMetrics]:
    """A verdict for each problem, and the counts."""
    tables = [pl.DataFrame(schema=VERDICT_SCHEMA)]
    by_kind: Counter[str] = Counter()
    for frame in frames:
        found = [judge(_candidate(row), params) for row in frame.iter_rows(named=True)]
        by_kind.update(
            kind for kind, (rule, _) in zip(frame["kind"].to_list(), found, strict=True) if rule is not None
        )
        tables.append(
            pl.DataFrame(
                {
                    "row_id": frame["problem_id"].to_list(),
                    "rule": [rule for rule, _ in found],
                    "evidence": [evidence for _, evidence in found],
                },
                schema=VERDICT_SCHEMA,
            )
        )
    verdicts = pl.concat(tables)
    ledger = verdict_ledger(verdicts, verdicts.height)
    return verdicts, FilterMetrics(
        rows=ledger,
        kept_share=ledger.kept / max(ledger.read, 1),
        rejected_by_kind=dict(sorted(by_kind.items())),
    )


_TITLES = re.compile(r"^[^\w\n]*_*(?:problem|exercise|question)\s+\d+", re.IGNORECASE | re.MULTILINE)
_PARTS = re.compile(
    # Capitals in brackets are choices, not parts.
    r"^[ \t]*[*_]*(?:\(?[a-h]\)|\(?(?:i{1,3}|iv|v)\)|[Pp]art\s+[a-hA-H1-9]\b|\d{1,2}[.)])(?=[\s*_])",
    re.MULTILINE,
)


def _candidate(row: Mapping[str, Any]) -> Candidate:
    return Candidate(
        level=row["level"],
        kind=row["kind"],
        problem=row["problem"],
        solution=row["solution"],
        answer=row["answer"],
    )


def _outside(count: int, bounds: Length, text: str) -> str | None:
    return None if bounds.least <= count <= bounds.most else shown(f"{count} words: {text}")


def _phrase(phrases: Iterable[str], text: str) -> str | None:
    """The first phrase that stands in the text, with what surrounds it."""
    lower = text.lower()
    for phrase in phrases:
        found = lower.find(phrase)
        while found >= 0:
            end = found + len(phrase)
            if not (_in_word(lower, found) or _in_word(lower, end)):
                return shown(text[max(0, found - 40) : end + 40])
            found = lower.find(phrase, end)
    return None


def _in_word(text: str, place: int) -> bool:
    """Whether a word goes on over this place."""
    return 0 < place < len(text) and text[place - 1].isalnum() and text[place].isalnum()


def _is_latin_or_greek(character: str) -> bool:
    if character.isascii():
        return True
    name = unicodedata.name(character, "")
    return name.startswith(
        ("LATIN", "GREEK", "MATHEMATICAL", "DOUBLE-STRUCK", "SCRIPT", "BLACK-LETTER", "MODIFIER")
    )
