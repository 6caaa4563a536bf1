r"""Choices as benchmarks write them, and the letter of the right one.

Letters are written as `(A)`, `A)`, `[A]`, `A.`, `A:`, `A -` or `Option A:`, in capitals or not, perhaps in
bold or in LaTeX (`$\textbf{(A)}\ 3 \qquad`), also with Chinese punctuation, before each text of a list or
within one text. If there are none, numbers from 1 (`(1)`, `2)`) or circled numbers are used.
"""

import ast
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
NUMBERS = tuple(str(number) for number in range(1, len(LETTERS) + 1))
CIRCLED = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
TEXT_KEYS, LABEL_KEYS = ("text", "content", "value"), ("label", "key", "id", "letter")
"""Keys of choices that are objects: ARC and CommonsenseQA use `text` and `label`, others similar ones."""

_DRESSED = (
    r"(?:(?i:option|choice)\s+)?"
    r"(?:\*\*|\$?\\(?:textbf|textrm|text|mathbf|mathrm|bf)\s*\{{?|\{{\\bf\s+|\$)?\s*"
)
_UNDRESSED = r"\s*(?:\*\*|\}})?(?:\\[ ,;])?[\s~]*"
_MARKS = (
    r"[(（]\s*{0}\s*[)）](?::|\.(?=\s))?",
    r"(?<![(（])(?<!\w){0}\s?\.?[)）]:?",
    r"\[\s*{0}\s*\](?::|\.(?=\s))?",
    r"(?<!\w){0}\s?[.．、]",
    r"(?<!\w){0}\s?[:：]",
    r"(?<!\w){0}\s+[-–—](?=\s)",
)
_SPELLINGS = (*(_DRESSED + mark + _UNDRESSED for mark in _MARKS), r"\*\*\s*{0}\s*\*\*\s+")
_OF_NUMBERS = (
    *(_DRESSED + mark + _UNDRESSED for mark in _MARKS[:3]),
    _DRESSED + r"(?<![\w.]){0}[.:](?=\s)" + _UNDRESSED,
)
"""A dot or colon needs a blank after it: `1.5` and `1:2` are choices themselves."""
_IN_CIRCLES = (rf"{{0}}(?![{CIRCLED}])\s*",)
_BEGINS = r"(?:^|(?<=[\s,;|~$])|(?=\\text|\\math|\*\*))"
_ENDS = re.compile(r"(?:[\s,;|~]|\\q?quad|\\\\)+\Z")
_GOLD = re.compile(
    r"(?:\$|\*\*|\\(?:textbf|text|mathrm|mathbf|boxed)\{|[(（\[{]|\s|option |choice |answer:? )*"
    r"([A-Za-z])\s*(?:[-–—,/]|[)）\].．、:：}*$].*)?",
    re.DOTALL | re.IGNORECASE,
)
_NUMBER = re.compile(rf"[(（\[]?\s*([0-9]{{1,3}}|[{CIRCLED}])\s*[)）\].:]*")


@dataclass(frozen=True)
class Choices:
    """The choices of an item."""

    texts: tuple[str, ...]
    first: int | None = None
    """The number of the first one, if they are numbered."""


def choices_of(value: Any) -> Choices:  # noqa: ANN401 (any JSON)
    """The texts of the choices without their labels: from a list, from an object (by letter, or with lists of
    `text` and `label`), from a list of such objects, or from one text, which may be such a list written out.

    Raises ValueError if they cannot be separated.
    """
    match value:
        case str():
            listed = _written_out(value)
            return _split(value) if listed is None else choices_of(listed)
        case Mapping():
            return _of_object(value)
        case Sequence():
            return _of_list(list(value))
        case _:
            message = f"the choices are a {type(value).__name__}"
            raise ValueError(message)


def letter_of(gold: Any, choices: Choices, first: int = 0) -> str:  # noqa: ANN401 (any JSON)
    """The letter of the right choice: by its number, by a letter in any spelling, or by its text.

    If the choices have no numbers, numbers count from `first`. Raises ValueError for a gold that is none of
    the choices.
    """
    if isinstance(gold, list) and len(gold) == 1:  # pyright: ignore[reportUnknownArgumentType]
        return letter_of(gold[0], choices, first)
    place = _place(gold, choices, first)
    if place is None or not 0 <= place < min(len(choices.texts), len(LETTERS)):
        message = f"the gold {gold!r} is none of {len(choices.texts)} choices"
        raise ValueError(message)
    return LETTERS[place]


def _place(gold: Any, choices: Choices, first: int) -> int | None:  # noqa: ANN401 (any JSON)
    begin = first if choices.first is None else choices.first
    if isinstance(gold, int | float) and not isinstance(gold, bool):
        return int(gold) - begin if math.isfinite(gold) and gold == int(gold) else None
    text = str(gold).strip()
    numbered = _NUMBER.fullmatch(text)
    number = None if numbered is None else _number(numbered[1])
    if choices.first is not None and number is not None:
        return number - choices.first
    if text in choices.texts:
        return choices.texts.index(text)
    if found := _GOLD.fullmatch(text):
        return LETTERS.index(found[1].upper())
    if number is not None:
        return number - begin
    alike = [place for place, choice in enumerate(choices.texts) if _folded(choice) == _folded(text)]
    return alike[0] if len(alike) == 1 else None


def _number(text: str) -> int:
    return CIRCLED.index(text) + 1 if text in CIRCLED else int(text)


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _written_out(text: str) -> Any:  # noqa: ANN401 (any JSON, or None)
    """The list or object that a text of JSON or Python describes; tables store them like that."""
    if text.strip()[:1] not in ("[", "{"):
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            value: Any = read(text.strip())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(value, list | tuple | dict) and len(value) > 1:  # pyright: ignore[reportUnknownArgumentType]
            return value  # pyright: ignore[reportUnknownVariableType]
    return None


def _of_object(value: Mapping[str, Any]) -> Choices:
    for key in TEXT_KEYS:
        texts: Any = value.get(key)
        if isinstance(texts, list):
            labels: Any = next(
                (value[name] for name in LABEL_KEYS if isinstance(value.get(name), list)), None
            )
            return _of_list(texts) if labels is None else _labelled(labels, texts)  # pyright: ignore[reportUnknownArgumentType]
    # Tables give each object the keys of all: those without a value belong to others.
    held = {str(key): choice for key, choice in value.items() if choice is not None}
    return _labelled(list(held), list(held.values()))


def _labelled(labels: Sequence[Any], texts: Sequence[Any]) -> Choices:
    """Choices by their labels, in whatever order these come: letters, or numbers from 0 or 1."""
    names = [str(label).strip().strip("()[].:") for label in labels]
    by_name = dict(zip(names, texts, strict=True))
    for first, wanted in ((None, LETTERS), (None, LETTERS.lower()), (1, NUMBERS), (0, ("0", *NUMBERS))):
        if len(by_name) == len(names) > 0 and set(names) == set(wanted[: len(names)]):
            return Choices(tuple(_text(by_name[name]) for name in wanted[: len(names)]), first)
    message = f"the choices are named {', '.join(names)}"
    raise ValueError(message)


def _of_list(values: list[Any]) -> Choices:
    while values and values[-1] is None:
        values.pop()
    if values and all(isinstance(value, dict) for value in values):
        return _of_objects(values)
    return _unlabelled([_text(value) for value in values])


def _of_objects(values: list[dict[str, Any]]) -> Choices:
    """Choices from a list of objects with a text and perhaps a label each, or with the text by its label."""
    key = next((key for key in TEXT_KEYS if all(key in value for value in values)), None)
    if key is None:
        pairs = [pair for value in values for pair in value.items() if pair[1] is not None]
        return _labelled([label for label, _ in pairs], [text for _, text in pairs])
    texts = [value[key] for value in values]
    name = next((name for name in LABEL_KEYS if all(name in value for value in values)), None)
    return _of_list(texts) if name is None else _labelled([value[name] for value in values], texts)


def _text(value: Any) -> str:  # noqa: ANN401 (any JSON)
    if value is None or isinstance(value, list | dict | tuple):
        message = f"one of the choices is a {type(value).__name__}"  # pyright: ignore[reportUnknownArgumentType]
        raise ValueError(message)
    return str(value).strip()


def _unlabelled(options: list[str]) -> Choices:
    """Remove labels if each option has its own, in one spelling, and more text than that."""
    for first, labels, spellings in _kinds():
        for spelling in spellings:
            found = [
                re.match(spelling.format(label), option)
                for label, option in zip(labels, options, strict=False)
            ]
            if 1 < len(options) == len(found) and all(found):
                texts = [
                    _plain(option[mark.end() :]) if mark else option
                    for mark, option in zip(found, options, strict=True)
                ]
                if any(texts):
                    return Choices(tuple(texts), first)
    return Choices(tuple(options))


def _split(text: str) -> Choices:
    """Cut one text at its labels, by the spelling that reaches furthest; by numbers if there are no
    letters.
    """
    for first in (None, 1):
        tried = [
            _marks(text, spelling, labels)
            for number, labels, spellings in _kinds()
            if number == first
            for spelling in spellings
        ]
        marks = max(tried, key=len)
        if len(marks) > 1:
            ends = [begin for begin, _ in marks[1:]] + [len(text)]
            texts = (_plain(text[start:end]) for (_, start), end in zip(marks, ends, strict=True))
            return Choices(tuple(texts), first)
    message = f"the options {text[:60]!r} have no letters"
    raise ValueError(message)


def _kinds() -> tuple[tuple[int | None, Sequence[str], Sequence[str]], ...]:
    """Labels with their spellings, the most likely first; for numbers with the first one."""
    return (
        (None, LETTERS, _SPELLINGS),
        (None, LETTERS.lower(), _SPELLINGS),
        (1, NUMBERS, _OF_NUMBERS),
        (1, CIRCLED, _IN_CIRCLES),
    )


def _plain(choice: str) -> str:
    """Strip what separates a choice from the next, and the dollar that closes a formula around all
    choices.
    """
    text = _ENDS.sub("", choice).strip()
    return _ENDS.sub("", text.removesuffix("$")) if text.count("$") == 1 else text


def _marks(text: str, spelling: str, labels: Sequence[str]) -> list[tuple[int, int]]:
    """The spans of the labels, from the first on, in order."""
    marks: list[tuple[int, int]] = []
    place = 0
    for label in labels:
        found = re.compile(_BEGINS + spelling.format(label), re.MULTILINE).search(text, place)
        if found is None:
            break
        marks.append(found.span())
        place = found.end()
    return marks
