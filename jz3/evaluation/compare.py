r"""Grades files of answers against gold answers, and compares the models behind them on the same items.

Accuracies have Wilson's 95 % interval; each pair of files is tested by the exact McNemar test, with Holm's
correction over more than two. Several answers to one item count as their mean. Our rules decide; plain
math-verify stands beside them. What would end in 0 % for no fault of the model is named as a UserError.
Costs some milliseconds an answer, nearly all of it math-verify.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from statistics import fmean

from jz3.answers.benchmark_rules import RULES, rules_of
from jz3.answers.boxes import boxed_answer
from jz3.answers.choices import extract_choice
from jz3.answers.equality import equal, equal_choices
from jz3.answers.extract import extract_lenient
from jz3.answers.gold_form import form_of
from jz3.answers.symbolic import default_symbolic
from jz3.core.errors import UserError
from jz3.evaluation.answer_files import QUESTIONS, WHOLE, AnswerFile, text_of
from jz3.evaluation.mcnemar import exact_p_value
from jz3.evaluation.shares import holm, wilson

WHOLE_CHARACTERS = 60  # chosen: the golds of eight benchmarks have at most 89, 99 % of them below 30
LONG_GOLD = 200  # chosen: more than twice the longest gold answer of eight benchmarks


@dataclass(frozen=True)
class Judged:
    """One answer: what was taken from it, and the verdict of both graders."""

    file: str
    item: str
    gold: str
    extracted: str | None
    equal: bool
    rule: str
    math_verify: bool


@dataclass(frozen=True)
class Score:
    """Of one file. Per cent, over items."""

    file: str
    items: int
    answers: int
    no_answer: int
    accuracy: float
    low: float
    high: float
    math_verify: float
    disagree: int
    """Answers on which plain math-verify gives another verdict."""


@dataclass(frozen=True)
class Pair:
    """Two files on the items that both answer. `p_holm` is over all pairs."""

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


@dataclass(frozen=True)
class _Asked:
    item: str
    gold: str
    text: str | None
    benchmark: str | None


def compare(
    files: Sequence[AnswerFile], gold: AnswerFile | None, benchmark: str | None, *, whole: bool | None
) -> Comparison:
    """Grade each file. `gold`: the file of the right answers, None where each row has its own; `whole`:
    whether the answers are whole responses, None where the texts say it. Raises UserError for files that
    cannot be graded so.
    """
    notes: list[str] = []
    names = _names([file.path for file in files])
    _known(benchmark, notes)
    golds = _golds(gold) if gold is not None else None
    judged: list[Judged] = []
    for name, file in zip(names, files, strict=True):
        notes.extend(file.bad)
        notes.append(file.said("predicted", "identity", *(() if gold else ("gold",))))
        asked = _asked(file, gold, golds, benchmark, notes)
        for known in sorted({one.benchmark for one in asked if one.benchmark} - {benchmark}):
            _known(known, notes)
        _check_golds([one.gold for one in asked], [one.text or "" for one in asked], gold or file)
        texts_are_whole = _whole(file, gold, asked) if whole is None else whole
        notes.append(f"{file.path}: {_READ[texts_are_whole]}")
        found = [_judge(name, one, whole=texts_are_whole) for one in asked]
        _check_verdicts(file, asked, found, notes)
        judged.extend(found)
    scores = [_score(name, [one for one in judged if one.file == name]) for name in names]
    return Comparison(scores, _pairs(names, judged), judged, notes)


_READ = {
    True: "read as whole responses, whose final answer is extracted (`--answers` grades them bare)",
    False: "read as bare answers (`--responses` extracts the final answer first)",
}


def gold_answer(text: str) -> str:
    r"""The final answer of a gold as public files have it.

    >>> gold_answer("She sells 16 - 7 = <<16-7=9>>9 eggs.\n#### 1,800")
    '1,800'
    >>> gold_answer("As $x = 2$, it is $\\boxed{\\frac{1}{2}}$.")
    '\\frac{1}{2}'
    >>> gold_answer("18")
    '18'
    """
    if "####" in text:
        return text.rsplit("####", 1)[1].strip()
    boxed = boxed_answer(text)
    return text.strip() if boxed is None else boxed[0]


def _names(paths: Sequence[Path]) -> list[str]:
    names = [path.stem for path in paths]
    return names if len(set(names)) == len(names) else [str(path) for path in paths]


def _known(benchmark: str | None, notes: list[str]) -> None:
    if benchmark is None or benchmark in RULES:
        return
    near = difflib.get_close_matches(benchmark.lower().replace("-", ""), RULES, 1)
    hint = f" Did you mean {near[0]}?" if near else ""
    notes.append(
        f"benchmark {benchmark} is none that has rules of its own ({', '.join(RULES)}): the default rules "
        f"grade it, without letters of choices.{hint}"
    )


def _golds(file: AnswerFile) -> dict[str, str]:
    if file.gold is None:
        swapped = " It holds what models say: the files look swapped." if file.predicted else ""
        raise UserError(
            f"{file.path} has no field of right answers; one such as gold, answer or solution was expected, "
            f"found {', '.join(file.rows[0])}.{swapped} Name it with --gold-field."
        )
    golds: dict[str, str] = {}
    for number, row in enumerate(file.rows):
        text = text_of(row, file.gold)
        if text is None:
            continue
        key = _key(file, number)
        if golds.setdefault(key, text) != text:
            raise UserError(
                f"{file.path} has two right answers for {file.identity} {key}; one was expected. "
                f"Name another field with --id."
            )
    return golds


def _asked(
    file: AnswerFile,
    gold: AnswerFile | None,
    golds: Mapping[str, str] | None,
    benchmark: str | None,
    notes: list[str],
) -> list[_Asked]:
    predicted = _predicted(file, gold)
    texts = [text_of(row, predicted) for row in file.rows]
    named = [benchmark or text_of(row, "benchmark") for row in file.rows]
    if gold is None or golds is None:
        return _with_own_golds(file, texts, named)
    keys = _joined(file, gold, golds, notes)
    asked = [
        _Asked(key, gold_answer(golds[key]), text, name)
        for key, text, name in zip(keys, texts, named, strict=True)
        if key is not None and key in golds
    ]
    if len(asked) < len(keys):
        notes.append(
            f"{file.path}: {len(keys) - len(asked)} of {len(keys)} answers have no gold in {gold.path}; "
            f"left out"
        )
    answered = len({one.item for one in asked})
    if answered < len(golds):
        notes.append(
            f"{file.path}: answers {answered} of the {len(golds)} items of {gold.path}; the others are "
            f"left out"
        )
    return asked


def _predicted(file: AnswerFile, gold: AnswerFile | None) -> str:
    name = file.predicted
    if name is None and gold is not None and file.gold is not None:
        if _public_golds(file):
            raise UserError(
                f"{file.path} holds right answers with their `####`, as a gold file does, and no answers "
                f"of a model; the files look swapped. Give the other one to --gold."
            )
        name = file.gold
    if name is None:
        raise UserError(
            f"{file.path} has no field of answers; one such as predicted, response or output was expected, "
            f"found {', '.join(file.rows[0])}. Name it with --field."
        )
    return name


def _public_golds(file: AnswerFile) -> bool:
    """Whether the rows are those of a public file: a question beside a solution with hashes."""
    texts = [text_of(row, file.gold) or "" for row in file.rows[:50]]
    return any(name in file.rows[0] for name in QUESTIONS) and all("####" in text for text in texts)


def _with_own_golds(
    file: AnswerFile, texts: Sequence[str | None], named: Sequence[str | None]
) -> list[_Asked]:
    if file.gold is None or file.gold == file.predicted:
        raise UserError(
            f"{file.path} has no field of right answers (found {', '.join(file.rows[0])}); gold in each row, "
            f"or a file of them, was expected. Give --gold FILE or --gold-field NAME."
        )
    asked: list[_Asked] = []
    for number, row in enumerate(file.rows):
        right = text_of(row, file.gold)
        if right is None:
            raise UserError(
                f"{file.path}, row {number + 1} has no `{file.gold}`; a right answer was expected in each. "
                f"Mend the row."
            )
        key = str(text_of(row, file.identity)) if file.identity else str(number)
        asked.append(_Asked(key, gold_answer(right), texts[number], named[number]))
    return asked


def _joined(
    file: AnswerFile, gold: AnswerFile, golds: Mapping[str, str], notes: list[str]
) -> list[str | None]:
    """For each answer the key of its gold: by id, by question, by row number, or by place where the counts
    agree.
    """
    by_id = [str(text_of(row, file.identity)) for row in file.rows] if file.identity else []
    if gold.identity and golds.keys() & set(by_id):
        return [key if key in golds else None for key in by_id]
    keys = [_key(gold, number) for number in range(len(gold.rows))]
    for name in QUESTIONS:
        if all(name in rows[0] for rows in (file.rows, gold.rows)):
            place = {str(text_of(row, name)): key for row, key in zip(gold.rows, keys, strict=True)}
            found = [place.get(str(text_of(row, name))) for row in file.rows]
            if any(key is not None for key in found):
                notes.append(f"{file.path}: joined with {gold.path} by `{name}`")
                return found
    numbers = [_number(key, len(keys)) for key in by_id]
    known = [keys[number] for number in numbers if number is not None]
    if file.identity in ROW_NUMBERS and by_id and len(known) == len(by_id):
        notes.append(f"{file.path}: its `{file.identity}` is taken as the row of {gold.path}, from 0")
        return list(known)
    if len(file.rows) == len(keys) and not (by_id and gold.identity):
        notes.append(f"{file.path}: joined with {gold.path} by the order of the rows")
        return list(keys)
    ours = f"`{file.identity}` such as {by_id[0]}" if by_id else "no id"
    theirs = f"`{gold.identity}` such as {next(iter(golds), None)}" if gold.identity else "no id"
    raise UserError(
        f"no answer of {file.path} ({len(file.rows)} rows, {ours}) joins a row of {gold.path} "
        f"({len(gold.rows)} rows, {theirs}); the same ids, the same questions or as many rows in the same "
        f"order were expected. Name the field of the ids in both with --id."
    )


ROW_NUMBERS = ("doc_id", "idx", "index", "id")
"""Ids that count the rows of a data set where they are numbers: of lm-eval, verl and the public files."""


def _number(key: str, rows: int) -> int | None:
    return int(key) if key.isdecimal() and len(key) < 10 and int(key) < rows else None


def _key(file: AnswerFile, number: int) -> str:
    return str(number) if file.identity is None else str(text_of(file.rows[number], file.identity))


def _whole(file: AnswerFile, gold: AnswerFile | None, asked: Sequence[_Asked]) -> bool:
    """Whether the answers are whole responses: by the name of their field, else by the texts."""
    return _predicted(file, gold) in WHOLE or _are_whole([one.text or "" for one in asked])


def _are_whole(texts: Sequence[str]) -> bool:
    """Whether most of them are more than a bare answer."""
    whole = [
        len(text) > WHOLE_CHARACTERS or "\n" in text or "####" in text or "\\boxed" in text or "nswer" in text
        for text in texts
        if text
    ]
    return 2 * sum(whole) > len(whole)


def _check_golds(golds: Sequence[str], texts: Sequence[str], file: AnswerFile) -> None:
    long = [gold for gold in golds if len(gold) > LONG_GOLD or _prose(gold)]
    if 2 * len(long) <= len(golds):
        return
    start = f"{file.path}: field `{file.gold}` holds whole texts ({long[0][:60]!r}...), no final answers"
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


def _judge(name: str, asked: _Asked, *, whole: bool) -> Judged:
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
    file: AnswerFile, asked: Sequence[_Asked], found: Sequence[Judged], notes: list[str]
) -> None:
    """Where nothing is right: another field that would be, or what stands against what."""
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
        f"{file.path}: NOTHING IS EQUAL. Look whether the right fields and files are compared: {shown}"
    )


TRIED = 50  # chosen: rows that show whether another field is the right one


def _better_field(file: AnswerFile, asked: Sequence[_Asked]) -> str | None:
    if len(asked) != len(file.rows):
        return None
    others = [name for name in file.rows[0] if name not in (file.predicted, file.gold, file.identity)]
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
    """The share of right answers to each item."""
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
