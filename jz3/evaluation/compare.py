r"""Grades files of answers against gold answers, and compares the models behind them on the same items.

Accuracies have Wilson's 95 % interval; each pair of files is tested by the exact McNemar test, with Holm's
correction if there are more than two files. Several answers to one item count as their mean. Our rules
decide; plain math-verify is shown beside them. Anything that would give 0 % through no fault of the model
raises a UserError. Costs some milliseconds per answer, nearly all of it for math-verify.
"""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import fmean

from jz3.answers.benchmark_rules import RULES, rules_of
from jz3.answers.choices import extract_choice
from jz3.answers.equality import equal, equal_choices
from jz3.answers.extract import extract_lenient
from jz3.answers.gold_form import form_of
from jz3.answers.symbolic import default_symbolic
from jz3.core.errors import UserError
from jz3.evaluation.answer_files import QUESTIONS, WHOLE, AnswerFile, text_of
from jz3.evaluation.joining import Asked, asked_of, golds_of, predicted_field
from jz3.evaluation.mcnemar import exact_p_value
from jz3.evaluation.shares import holm, wilson
from jz3.raw.lines import COMPRESSIONS
from jz3.raw.turns import TURNS

WHOLE_CHARACTERS = 60  # chosen: the golds of eight benchmarks have at most 89, 99 % of them below 30
LONG_GOLD = 200  # chosen: more than twice the longest gold answer of eight benchmarks


@dataclass(frozen=True)
class Judged:
    """One answer: what was extracted from it, and the verdicts of both graders."""

    file: str
    item: str
    gold: str
    extracted: str | None
    equal: bool
    rule: str
    math_verify: bool


@dataclass(frozen=True)
class Score:
    """Score of one file, in per cent of the items."""

    file: str
    items: int
    answers: int
    no_answer: int
    accuracy: float
    low: float
    high: float
    math_verify: float
    disagree: int
    """Answers on which plain math-verify and our rules disagree."""


@dataclass(frozen=True)
class Pair:
    """Two files on the items that both answer. `p_holm` is corrected for all pairs."""

    file: str
    against: str
    items: int
    difference: float
    better: int
    worse: int
    p_value: float
    p_holm: float


@dataclass(frozen=True)
class Comparison:
    scores: Sequence[Score]
    pairs: Sequence[Pair]
    judged: Sequence[Judged]
    notes: Sequence[str]


def compare(
    files: Sequence[AnswerFile], gold: AnswerFile | None, benchmark: str | None, *, whole: bool | None
) -> Comparison:
    """Grade each file.

    - `gold`: the file of the right answers; None if each row has its own.
    - `whole`: whether the answers are whole responses; None to decide by the texts.

    Raises UserError for files that cannot be graded like that.
    """
    notes: list[str] = []
    names = _names([file.path for file in files])
    _known(benchmark, notes)
    golds = golds_of(gold) if gold is not None else None
    judged: list[Judged] = []
    for name, file in zip(names, files, strict=True):
        notes.extend(file.bad)
        shown = replace(file, predicted=predicted_field(file, gold))
        notes.append(shown.said("predicted", "identity", *(() if gold else ("gold",))))
        asked = asked_of(file, gold, golds, benchmark, notes)
        for known in sorted({one.benchmark for one in asked if one.benchmark} - {benchmark}):
            _known(known, notes)
        _checkgolds_of([one.gold for one in asked], [one.text or "" for one in asked], gold or file)
        texts_are_whole = _whole(file, gold, asked) if whole is None else whole
        notes.append(f"{file.path}: {_READ[texts_are_whole]}")
        found = [_judge(name, one, whole=texts_are_whole) for one in asked]
        _check_verdicts(file, asked, found, notes)
        items = len({one.item for one in found})
        if items < len(found) == len(file.rows):
            notes.append(
                f"{file.path}: {len(found)} answers to {items} items; their mean counts for the item"
            )
        judged.extend(found)
    scores = [_score(name, [one for one in judged if one.file == name]) for name in names]
    return Comparison(scores, _pairs(names, judged), judged, notes)


_READ = {
    True: "read as whole responses, whose final answer is extracted (`--answers` grades them bare)",
    False: "read as bare answers (`--responses` extracts the final answer first)",
}


def _names(paths: Sequence[Path]) -> list[str]:
    """A name for each file: its file name without endings, or its path if names are equal."""
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise UserError(f"{twice} is given twice; files of two models were expected. Give each once.")
    plain = [path.stem if path.suffix.lower() in COMPRESSIONS else path.name for path in paths]
    names = [Path(name).stem for name in plain]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _known(benchmark: str | None, notes: list[str]) -> None:
    if benchmark is None or benchmark in RULES:
        return
    near = difflib.get_close_matches(benchmark.lower().replace("-", ""), RULES, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    notes.append(
        f"benchmark {benchmark} has no rules of its own (only {', '.join(RULES)} have): the default rules "
        f"grade it, without letters of choices.{hint}"
    )


def _whole(file: AnswerFile, gold: AnswerFile | None, asked: Sequence[Asked]) -> bool:
    """Whether the answers are whole responses: by the name of their field, else by the texts."""
    name = predicted_field(file, gold).rpartition(".")[2].lower()
    return name in (*WHOLE, *TURNS) or _are_whole([one.text or "" for one in asked])


def _are_whole(texts: Sequence[str]) -> bool:
    """Whether most texts are more than a bare answer."""
    whole = [
        len(text) > WHOLE_CHARACTERS or "\n" in text or "####" in text or "\\boxed" in text or "nswer" in text
        for text in texts
        if text
    ]
    return 2 * sum(whole) > len(whole)


def _checkgolds_of(golds: Sequence[str], texts: Sequence[str], file: AnswerFile) -> None:
    long = [gold for gold in golds if len(gold) > LONG_GOLD or _prose(gold)]
    if 2 * len(long) <= len(golds):
        return
    start = f"{file.path}: field `{file.gold}` holds whole texts ({long[0][:60]!r}...), not final answers"
    expected = "a final answer, a line `#### 18` or a \\boxed{} was expected"
    if not _are_whole(texts):
        raise UserError(
            f"{start}, while the answers are short; {expected}. Gold and answers look swapped: exchange "
            f"--gold-field and --field, or the files."
        )
    raise UserError(f"{start}; {expected}. Name the right field with --gold-field.")


MOST_WORDS = 12  # chosen: words of a gold that is a text; the longest of eight benchmarks has 7


def _prose(gold: str) -> bool:
    return sum(word.isalpha() for word in gold.split()) > MOST_WORDS


def _judge(name: str, asked: Asked, *, whole: bool) -> Judged:
    rules = rules_of(asked.benchmark)
    taken = asked.text
    if taken is not None and whole:
        taken = (
            extract_choice(taken, rules.letters)
            if rules.letters
            else extract_lenient(taken, form_of(asked.gold))
        ).answer
    if taken is None or not taken.strip():
        return Judged(name, asked.item, asked.gold, None, equal=False, rule="no_answer", math_verify=False)
    judge = equal_choices if rules.letters else partial(equal, tolerance=rules.tolerance)
    verdict = judge(asked.gold, taken)
    other = default_symbolic().second_opinion(asked.gold, taken).equal
    return Judged(name, asked.item, asked.gold, taken, verdict.equal, verdict.rule, other)


def _check_verdicts(
    file: AnswerFile, asked: Sequence[Asked], found: Sequence[Judged], notes: list[str]
) -> None:
    """If no answer is right, note another field that would be, or show what was compared with what."""
    if not found:
        raise UserError(f"{file.path} has no answer to grade; at least one was expected. Give another file.")
    if any(one.equal for one in found):
        return
    better = _better_field(file, asked)
    if better is not None:
        raise UserError(
            f"none of the {len(found)} answers in `{file.predicted or file.gold}` of {file.path} is right, "
            f"while `{better}` holds right ones; the field of the answers was "
            f"expected. Give `--field {better}`."
        )
    if all(one.rule == "no_answer" for one in found):
        raise UserError(
            f"{file.path}: no answer was found in any of {len(found)} rows of `{file.predicted}`; final "
            f"answers or whole responses were expected. Name the right field with --field."
        )
    shown = "; ".join(f"gold {one.gold!r}, taken {one.extracted!r}" for one in found[:3])
    notes.append(
        f"{file.path}: NOTHING IS EQUAL. Check that the right fields and files are compared: {shown}"
    )


TRIED = 50  # chosen: rows that show whether another field is the right one


def _better_field(file: AnswerFile, asked: Sequence[Asked]) -> str | None:
    if len(asked) != len(file.rows):
        return None
    read = (file.predicted, file.gold, file.identity)
    others = [name for name in file.rows[0] if name not in read and name.lower() not in QUESTIONS]
    for name in others:
        right = 0
        for row, one in zip(file.rows[:TRIED], asked[:TRIED], strict=True):
            text = text_of(row, name)
            taken = extract_lenient(text, form_of(one.gold)).answer if text else None
            right += taken is not None and equal(one.gold, taken).equal
        if 2 * right > min(TRIED, len(asked)):
            return name
    return None


def _score(name: str, judged: Sequence[Judged]) -> Score:
    means = _means(judged)
    share = fmean(means.values())
    low, high = wilson(share, len(means))
    return Score(
        file=name,
        items=len(means),
        answers=len(judged),
        no_answer=sum(one.rule == "no_answer" for one in judged),
        accuracy=100 * share,
        low=low,
        high=high,
        math_verify=100 * fmean(one.math_verify for one in judged),
        disagree=sum(one.equal != one.math_verify for one in judged if one.extracted is not None),
    )


def _means(judged: Sequence[Judged]) -> dict[str, float]:
    """The share of right answers, by item."""
    verdicts: dict[str, list[bool]] = {}
    for one in judged:
        verdicts.setdefault(one.item, []).append(one.equal)
    return {item: fmean(found) for item, found in verdicts.items()}


def _pairs(names: Sequence[str], judged: Sequence[Judged]) -> list[Pair]:
    means = {name: _means([one for one in judged if one.file == name]) for name in names}
    raw: list[tuple[str, str, list[float]]] = []
    for ours, theirs in combinations(names, 2):
        shared = [item for item in means[ours] if item in means[theirs]]
        if not shared:
            raise UserError(
                f"{ours} and {theirs} have no item in common; the same items were expected. "
                f"Name the field of their ids with --id."
            )
        raw.append((ours, theirs, [means[ours][item] - means[theirs][item] for item in shared]))
    counts = [(sum(d > 0 for d in found), sum(d < 0 for d in found)) for _, _, found in raw]
    p_values = [exact_p_value(better, worse) for better, worse in counts]
    return [
        Pair(ours, theirs, len(found), 100 * fmean(found), better, worse, p, adjusted)
        for (ours, theirs, found), (better, worse), p, adjusted in zip(
            raw, counts, p_values, holm(p_values), strict=True
        )
    ]
