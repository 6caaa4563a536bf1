"""Answers joined with their golds: by id, question, row number or order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from jz3.answers.boxes import boxed_answer
from jz3.core.errors import UserError
from jz3.evaluation.answer_files import QUESTIONS, AnswerFile, text_of, texts_of


@dataclass(frozen=True)
class Asked:
    item: str
    gold: str
    text: str | None
    benchmark: str | None


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


def golds_of(file: AnswerFile) -> dict[str, str]:
    """The right answers of a file of them, by id or number of the row, as they stand."""
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


def asked_of(
    file: AnswerFile,
    gold: AnswerFile | None,
    golds: Mapping[str, str] | None,
    benchmark: str | None,
    notes: list[str],
) -> list[Asked]:
    """The answers of a file, each with its gold; what joins none is left out and noted."""
    predicted = predicted_field(file, gold)
    texts = [texts_of(row, predicted) for row in file.rows]
    _note_several(file, predicted, texts, notes)
    named = [benchmark or text_of(row, "benchmark") for row in file.rows]
    if gold is None or golds is None:
        return _with_owngolds_of(file, texts, named)
    keys = _joined(file, gold, golds, notes)
    known = [key is not None and key in golds for key in keys]
    asked = [
        Asked(key, gold_answer(golds[key]), text, name)
        for key, said, name in zip(keys, texts, named, strict=True)
        if key is not None and key in golds
        for text in said
    ]
    if not all(known):
        notes.append(
            f"{file.path}: {known.count(False)} of {len(keys)} answers have no gold in {gold.path}; left out"
        )
    answered = len({one.item for one in asked})
    if answered < len(golds):
        notes.append(
            f"{file.path}: answers {answered} of the {len(golds)} items of {gold.path}; the others are "
            f"left out"
        )
    return asked


def predicted_field(file: AnswerFile, gold: AnswerFile | None) -> str:
    """The field of the answers. Raises UserError where there is none, or the file is one of golds."""
    name = file.predicted
    if name is None and gold is not None and file.gold is not None:
        if _publicgolds_of(file):
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


def _publicgolds_of(file: AnswerFile) -> bool:
    """Whether the rows are those of a public file: a question beside a solution with hashes."""
    texts = [text_of(row, file.gold) or "" for row in file.rows[:50]]
    return any(name in file.rows[0] for name in QUESTIONS) and all("####" in text for text in texts)


def _note_several(
    file: AnswerFile, name: str, texts: Sequence[Sequence[str | None]], notes: list[str]
) -> None:
    """Say where items have several answers, in a list or in rows of one id: the mean of each counts."""
    most = max(len(said) for said in texts)
    if most > 1:
        notes.append(
            f"{file.path}: `{name}` holds up to {most} answers a row; their mean counts for the item"
        )


def _with_owngolds_of(
    file: AnswerFile, texts: Sequence[Sequence[str | None]], named: Sequence[str | None]
) -> list[Asked]:
    if file.gold is None or file.gold == file.predicted:
        raise UserError(
            f"{file.path} has no field of right answers (found {', '.join(file.rows[0])}); gold in each row, "
            f"or a file of them, was expected. Give --gold FILE or --gold-field NAME."
        )
    asked: list[Asked] = []
    for number, row in enumerate(file.rows):
        right = text_of(row, file.gold)
        if right is None:
            raise UserError(
                f"{file.path}, row {number + 1} has no `{file.gold}`; a right answer was expected in each. "
                f"Mend the row."
            )
        key = str(text_of(row, file.identity)) if file.identity else str(number)
        asked.extend(Asked(key, gold_answer(right), text, named[number]) for text in texts[number])
    return asked


def _joined(
    file: AnswerFile, gold: AnswerFile, golds: Mapping[str, str], notes: list[str]
) -> list[str | None]:
    """The gold key of each answer: by id, by question, by row number, or by position if counts agree."""
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
