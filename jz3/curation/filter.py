"""Judges each problem by rules of form, many at a time; the first rule in the order of RULES counts.

Each rule is an expression of polars that gives its evidence, or null; its docstring gives the reason for the
rule, and the profiles give the sources of its numbers. Two rules follow that need more than the problem:
`filter.copied_passage` (`copying.py` beside this) and `filter.inconsistent` (`consistency.py`). Costs some
100 microseconds for a problem of the released length; rows are read in frames.
"""

from collections.abc import Callable, Iterable

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field, model_validator

from jz3.core.artifacts import In
from jz3.core.counts import row_count
from jz3.core.params import Params
from jz3.curation.consistency import SelfConsistency, inconsistent_rows
from jz3.curation.copying import Copying, copied_rows
from jz3.curation.english import English, not_english
from jz3.curation.false_steps import false_steps
from jz3.curation.given_numbers import miscopied_numbers
from jz3.curation.last_step import contradictions
from jz3.curation.latex import unbalanced
from jz3.curation.patterns import WORD, Share, phrase_in, shown_of
from jz3.curation.repetition import Repetition, repetitions
from jz3.curation.verdicts import VERDICT_SCHEMA, verdict_ledger
from jz3.tables.ledger import Ledger
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem


class Length(Params):
    """Bounds on the words of a part."""

    least: int = Field(ge=1)
    most: int = Field(ge=1)

    @model_validator(mode="after")
    def _ordered(self) -> "Length":
        if self.least > self.most:
            raise ValueError(f"least {self.least} is above most {self.most}")
        return self


class FilterParams(Params):
    """Thresholds and phrases of the rules. Phrases are found in any case, between word boundaries."""

    problem_words: Length
    solution_words: Length
    repetition: Repetition
    english: English
    copied_phrases: list[str]
    """Words of our prompt templates that a self-contained problem does not use."""
    copied_passage: Copying
    figure_phrases: list[str]
    most_parts: int = Field(ge=1)
    """The most parts in one problem, such as (a), (b), (c)."""
    doubt_phrases: list[str]
    boxed: dict[str, list[str]]
    """For each kind, the levels at which a solution must end in a box."""
    step_rounding: float = Field(ge=0)
    """How far an equation with a division or a decimal may be off, in units of the last place shown."""
    most_miscopied: Share
    """Share of a question's numbers that a program may copy wrong; above it, the program solves something
    else.
    """
    self_consistency: SelfConsistency | None
    """null: no solver's rates are read."""


class FilterMetrics(BaseModel):
    """What was rejected."""

    rows: Ledger
    kept_share: float
    rejected_by_kind: dict[str, int]


Rule = Callable[[FilterParams], pl.Expr]
"""An expression on a table of Problem that gives each row's evidence, or null. The table has an additional
column `prose`: the solution without its code blocks.
"""


def problem_length(params: FilterParams) -> pl.Expr:
    """An empty, truncated or rambling problem cannot be worked on (released rows: 10 to 546 words)."""
    return _outside("problem", params.problem_words)


def solution_length(params: FilterParams) -> pl.Expr:
    """A bare answer teaches nothing, and a solution that runs on has lost its way (released: 36 to 1,231
    words).
    """
    return _outside("solution", params.solution_words)


def language(params: FilterParams) -> pl.Expr:
    """The corpus is English; models drift into other scripts and languages at high temperature."""
    return pl.concat_str("problem", "prose", separator="\n").map_batches(
        lambda texts: not_english(texts, params.english), return_dtype=pl.String
    )


def copied_template(params: FilterParams) -> pl.Expr:
    """A problem that mentions the passage or our marks cannot be understood without the prompt."""
    return pl.coalesce(phrase_in(name, params.copied_phrases) for name in ("problem", "solution"))


def missing_figure(params: FilterParams) -> pl.Expr:
    """The figure is missing (the prompts ask for problems in text alone, like the released ones)."""
    return phrase_in("problem", params.figure_phrases)


def several_problems(params: FilterParams) -> pl.Expr:
    """One answer cannot be checked against several questions (37 % of released prose rows have parts)."""
    titles, parts = (pl.col("problem").str.count_matches(pattern) for pattern in (_TITLE, _PART))
    return (
        pl.when(titles > 1)
        .then(pl.format("{} titles", titles))
        .when(parts > params.most_parts)
        .then(pl.format("{} parts", parts))
    )


def unbalanced_latex(_: FilterParams) -> pl.Expr:
    """The formulas are cut or garbled."""
    return pl.coalesce(
        pl.col(name).map_batches(unbalanced, return_dtype=pl.String) for name in ("problem", "prose")
    )


def repetition(params: FilterParams) -> pl.Expr:
    """A model that has lost its way loops (Rae et al. 2021)."""
    return pl.col("prose").map_batches(
        lambda texts: repetitions(texts, params.repetition), return_dtype=pl.String
    )


def self_doubt(params: FilterParams) -> pl.Expr:
    """A solution that takes a step back teaches a wrong path as the right one (27 of 1,000 rows)."""
    return phrase_in("prose", params.doubt_phrases)


def no_answer(params: FilterParams) -> pl.Expr:
    """A solution without a box counts as unfinished at levels that ask for a box."""
    asked = [
        (pl.col("kind") == kind) & pl.col("level").is_in(levels) for kind, levels in params.boxed.items()
    ]
    missing = pl.col("answer").is_null() & pl.any_horizontal(pl.lit(value=False), *asked)
    return pl.when(missing).then(pl.col("solution").str.slice(-100))


def contradicted_answer(_: FilterParams) -> pl.Expr:
    """The box differs from the result of the last step."""
    return pl.struct("prose", "answer").map_batches(
        lambda rows: contradictions(rows.struct.field("prose"), rows.struct.field("answer")),
        return_dtype=pl.String,
    )


def false_step(params: FilterParams) -> pl.Expr:
    """A false equation would be taught as a true one."""
    return pl.struct("problem", "prose").map_batches(
        lambda rows: false_steps(
            rows.struct.field("problem"), rows.struct.field("prose"), params.step_rounding
        ),
        return_dtype=pl.String,
    )


def miscopied_number(params: FilterParams) -> pl.Expr:
    """The program solves another problem: one with other numbers."""
    programs = pl.col("solution").str.extract_all(_PROGRAM)
    program = pl.when(pl.col("kind") == "tool", programs.list.len() > 0).then(
        programs.list.eval(pl.element().str.extract(_PROGRAM)).list.join("\n")
    )
    return pl.struct("problem", program=program).map_batches(
        lambda rows: miscopied_numbers(
            rows.struct.field("problem"), rows.struct.field("program"), params.most_miscopied
        ),
        return_dtype=pl.String,
    )


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
    ("filter.false_step", false_step),
    ("filter.miscopied_number", miscopied_number),
)
"""Cheap rules and plain defects come first, so that the evidence is as plain as possible."""


def judge(problems: pl.DataFrame, params: FilterParams) -> pl.DataFrame:
    """Table of Verdict: the first rule of RULES that fires on each row."""
    seen = problems.with_columns(prose=_PROSE).select(
        pl.col("problem_id").alias("row_id"), *(rule(params).alias(name) for name, rule in RULES)
    )
    names = [name for name, _ in RULES]
    return seen.select(
        "row_id",
        rule=pl.coalesce(pl.when(pl.col(name).is_not_null()).then(pl.lit(name)) for name in names),
        evidence=pl.coalesce(names),
    ).cast(VERDICT_SCHEMA)


def judge_form(frames: Iterable[dy.DataFrame[Problem]], params: FilterParams) -> pl.DataFrame:
    """A verdict for each problem, based on its own text."""
    return pl.concat([pl.DataFrame(schema=VERDICT_SCHEMA), *(judge(frame, params) for frame in frames)])


def judge_copies(
    verdicts: pl.DataFrame, problems: pl.LazyFrame, passages: pl.LazyFrame, params: FilterParams
) -> pl.DataFrame:
    """The verdicts, with one added for each row kept so far that copies its passage."""
    copied = copied_rows(problems, passages, params.copied_passage)
    return _with(verdicts, copied.with_columns(rule=pl.lit("filter.copied_passage")))


def judge_samples(
    verdicts: pl.DataFrame, problems: pl.LazyFrame, rates: In[PassRate], params: FilterParams
) -> pl.DataFrame:
    """The verdicts, with one added for each row kept so far whose solver disagrees with its answer. If the
    parameter is null, the verdicts stay as they are and the rates are not read.
    """
    if params.self_consistency is None:
        return verdicts
    kept = verdicts.filter(pl.col("rule").is_null()).select(problem_id="row_id")
    checked = problems.join(kept.lazy(), on="problem_id", how="semi")
    return _with(verdicts, inconsistent_rows(checked, rates.read(), params.self_consistency))


def filter_metrics(verdicts: pl.DataFrame, problems: pl.LazyFrame) -> FilterMetrics:
    """The counts; raises ValueError if a problem has no verdict."""
    rejected = verdicts.drop_nulls("rule").select(problem_id="row_id")
    kinds = problems.join(rejected.lazy(), on="problem_id", how="semi").select("kind").collect()
    ledger = verdict_ledger(verdicts, row_count(problems))
    return FilterMetrics(
        rows=ledger,
        kept_share=ledger.kept / max(ledger.read, 1),
        rejected_by_kind=dict(sorted(kinds["kind"].cast(pl.String).value_counts().iter_rows())),
    )


_TITLE = r"(?im)^[^\w\n]*_*(?:problem|exercise|question)\s+\d+"
# Capital letters in brackets are choices, not parts.
_PART = r"(?m)^[ \t]*[*_]*(?:\(?[a-h]\)|\(?(?:i{1,3}|iv|v)\)|[Pp]art\s+[a-hA-H1-9](?-u:\b)|\d{1,2}[.)])[\s*_]"
_PROGRAM = r"(?ms)^```python\n(.*?)\n```$"  # same pattern as in `programs_of`
_PROSE = (
    pl.when(pl.col("solution").str.contains("```", literal=True))
    .then(pl.col("solution").str.replace_all(r"(?ms)^```.*?^```[ \t]*$", ""))
    .otherwise("solution")
)


def _outside(column: str, bounds: Length) -> pl.Expr:
    count = pl.col(column).str.count_matches(WORD)
    evidence = shown_of(pl.format("{} words: {}", count, pl.col(column).str.slice(0, 200)))
    return pl.when(~count.is_between(bounds.least, bounds.most)).then(evidence)


def _with(verdicts: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """The verdicts, with those of `found` added to rows that had no rule."""
    later = found.select("row_id", later_rule="rule", later_evidence="evidence")
    return verdicts.join(later, on="row_id", how="left", maintain_order="left").select(
        "row_id",
        pl.coalesce("rule", "later_rule"),
        pl.when(pl.col("rule").is_null()).then("later_evidence").otherwise("evidence").alias("evidence"),
    )
