"""Answers joined with their golds: by id, question, row number or order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from jz3.answers.boxes import boxed_answer
from jz3.core.errors import UserError
from jz3.evaluation.answer_files import (
    QUESTIONS,
    AnswerFile,
    letter_of,
    question_fields,
    question_of,
    text_of,
    texts_of,
)
from jz3.raw.files import field as value_of


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
    """The right answers in a file of golds, by id or row number, as they are written."""
    if file.gold is None:
        swapped = " It holds what models say: the files look swapped." if file.predicted else ""
        raise UserError(
            f"{file.path} has no field of right answers; one such as gold, answer or solution was expected, "
            f"found {file.names()}.{swapped} Name it with --gold-field."
        )
    _must_be_texts(file, file.gold, "--gold-field")
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
    """The answers of a file, each with its gold; answers without one are left out and noted."""
    predicted = predicted_field(file, gold)
    _must_be_texts(file, predicted, "--field")
    texts = [texts_of(row, predicted) for row in file.rows]
    if (gold or file).numbered:
        texts = _letters(file, texts, notes)
    _note_several(file, predicted, texts, notes)
    _note_several_golds(gold or file, notes)
    named = [benchmark or text_of(row, "benchmark") for row in file.rows]
    if gold is None or golds is None:
        return _with_owngolds_of(file, texts, named, notes)
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
    """The field of the answers. Raises UserError if there is none, or if the file holds golds."""
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
            f"found {file.names()}. Name it with --field."
        )
    return name


def _publicgolds_of(file: AnswerFile) -> bool:
    """Whether the rows are those of a public file: a question with a solution that ends in `####`."""
    texts = [text_of(row, file.gold) or "" for row in file.rows[:50]]
    return any(name in file.rows[0] for name in QUESTIONS) and all("####" in text for text in texts)


def _note_several(
    file: AnswerFile, name: str, texts: Sequence[Sequence[str | None]], notes: list[str]
) -> None:
    """Note that items have several answers, in a list or in rows with one id: their mean counts."""
    most = max(len(said) for said in texts)
    if most > 1:
        notes.append(
            f"{file.path}: `{name}` holds up to {most} answers a row; their mean counts for the item"
        )


def _note_several_golds(file: AnswerFile, notes: list[str]) -> None:
    """Say where rows have several right answers in a list: the first is the one that counts."""
    most = max((len(texts_of(row, file.gold)) for row in file.rows), default=0) if file.gold else 0
    note = f"{file.path}: `{file.gold}` holds up to {most} right answers a row; the first counts"
    if most > 1 and note not in notes:
        notes.append(note)


def _must_be_texts(file: AnswerFile, name: str, option: str) -> None:
    """Raise UserError if a field holds objects, of which nothing says what is the answer."""
    value = next((held for row in file.rows if (held := value_of(row, name)) is not None), None)
    if isinstance(value, dict) and value:
        inner = [f"{name}.{key}" for key in cast("dict[str, object]", value)]
        raise UserError(
            f"{file.path}: field `{name}` holds objects with {', '.join(inner)}; texts or numbers were "
            f"expected. Name one of these with {option}."
        )


def _letters(
    file: AnswerFile, texts: Sequence[Sequence[str | None]], notes: list[str]
) -> list[list[str | None]]:
    """Letters for answers that are all numbers of choices, as the golds were."""
    given = [text for said in texts for text in said if text is not None]
    if any(letter_of(text) == text for text in given):
        return [list(said) for said in texts]
    notes.append(f"{file.path}: its answers are read as numbers of choices, 0 as A")
    return [[letter_of(text) for text in said] for said in texts]


def _with_owngolds_of(
    file: AnswerFile, texts: Sequence[Sequence[str | None]], named: Sequence[str | None], notes: list[str]
) -> list[Asked]:
    if file.gold is None or file.gold == file.predicted:
        raise UserError(
            f"{file.path} has no field of right answers (found {file.names()}); gold in each row, "
            f"or a file of them, was expected. Give --gold FILE or --gold-field NAME."
        )
    _must_be_texts(file, file.gold, "--gold-field")
    golds: list[str] = []
    for number, row in enumerate(file.rows):
        right = text_of(row, file.gold)
        if right is None:
            raise UserError(
                f"{file.path}, row {number + 1} has no `{file.gold}`; a right answer was expected in each. "
                f"Fix the row."
            )
        golds.append(gold_answer(right))
    keys = [_key(file, number) for number in range(len(file.rows))]
    if len(set(zip(keys, golds, strict=True))) > len(set(keys)):
        notes.append(
            f"{file.path}: rows of the same `{file.identity}` have different right answers, so it does not "
            f"identify items; rows are items, numbered from 0"
        )
        keys = [str(number) for number in range(len(file.rows))]
    return [
        Asked(key, right, text, name)
        for key, right, said, name in zip(keys, golds, texts, named, strict=True)
        for text in said
    ]


def _joined(
    file: AnswerFile, gold: AnswerFile, golds: Mapping[str, str], notes: list[str]
) -> list[str | None]:
    """The gold key of each answer: by id, by question, by row number, or by position if counts agree."""
    by_id = [str(text_of(row, file.identity)) for row in file.rows] if file.identity else []
    keys = [_key(gold, number) for number in range(len(gold.rows))]
    asked, found = _by_question(file, gold, keys, golds)
    if gold.identity and golds.keys() & set(by_id):
        known = [key if key in golds else None for key in by_id]
        if not _contradicted(known, found):
            return known
        notes.append(
            f"{file.path}: its `{file.identity}` and the `{gold.identity}` of {gold.path} name other "
            f"questions, so they are joined by {asked}"
        )
        return found
    if any(key is not None for key in found):
        notes.append(f"{file.path}: joined with {gold.path} by {asked}")
        return found
    numbers = [_number(key, len(keys)) for key in by_id]
    known = [keys[number] for number in numbers if number is not None]
    if file.identity in ROW_NUMBERS and by_id and len(known) == len(by_id):
        notes.append(f"{file.path}: its `{file.identity}` is taken as the row of {gold.path}, from 0")
        return list(known)
    if len(file.rows) == len(keys) and not (by_id and gold.identity):
        apart = f", as they share no {asked}" if asked else ""
        notes.append(f"{file.path}: joined with {gold.path} by the order of the rows{apart}")
        return list(keys)
    ours = f"`{file.identity}` such as {by_id[0]}" if by_id else "no id"
    theirs = f"`{gold.identity}` such as {next(iter(golds), None)}" if gold.identity else "no id"
    raise UserError(
        f"no answer of {file.path} ({len(file.rows)} rows, {ours}) joins a row of {gold.path} "
        f"({len(gold.rows)} rows, {theirs}); the same ids, the same questions or as many rows in the same "
        f"order were expected. Name the field of the ids in both with --id."
    )


def _by_question(
    file: AnswerFile, gold: AnswerFile, keys: Sequence[str], golds: Mapping[str, str]
) -> tuple[str, list[str | None]]:
    """The fields of the questions in words, and the gold key of each answer by them, blanks aside.

    Of several fields those by which most answers are found; without any no words, and no keys.
    """
    best: tuple[str, list[str | None]] = ("", [None] * len(file.rows))
    for theirs in question_fields(gold.rows):
        place = _places(gold, theirs, keys, golds)
        for ours in question_fields(file.rows):
            found = [place.get(" ".join(question_of(row, ours).split())) for row in file.rows]
            if not best[0] or found.count(None) < best[1].count(None):
                best = " and ".join(f"`{name}`" for name in dict.fromkeys((*ours, *theirs))), found
    return best


def _places(
    gold: AnswerFile, names: Sequence[str], keys: Sequence[str], golds: Mapping[str, str]
) -> dict[str, str | None]:
    """The gold key of each question; None for one that has several right answers, as its text is a part."""
    places: dict[str, str | None] = {}
    for row, key in zip(gold.rows, keys, strict=True):
        text = " ".join(question_of(row, names).split())
        other = places.setdefault(text, key)
        if other is not None and golds.get(other) != golds.get(key):
            places[text] = None
    places.pop("", None)
    return places


def _contradicted(by_id: Sequence[str | None], by_question: Sequence[str | None]) -> bool:
    """Whether most answers that a question joins with a gold are of another one by their id."""
    both = [(one, other) for one, other in zip(by_id, by_question, strict=True) if other is not None]
    return 2 * sum(one != other for one, other in both) > len(by_id)


ROW_NUMBERS = ("doc_id", "idx", "index", "id")
"""Ids that, if they are numbers, count the rows of a data set: of lm-eval, verl and the public files."""


def _number(key: str, rows: int) -> int | None:
    return int(key) if key.isdecimal() and len(key) < 10 and int(key) < rows else None


def _key(file: AnswerFile, number: int) -> str:
    """The id of a row, or its number where it has none."""
    named = text_of(file.rows[number], file.identity)
    return str(number) if named is None else named
