r"""Choices as benchmarks write them, and the letter of the right one.

Letters stand as `(A)`, `A)`, `[A]`, `A.`, `A:` or `A -`, in capitals or not, maybe in bold or in LaTeX
(`$\textbf{(A)}\ 3 \qquad`), before each text of a list or within one text.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

_DRESSED = r"(?:\*\*|\$?\\(?:textbf|textrm|text|mathbf|mathrm|bf)\s*\{{?|\{{\\bf\s+|\$)?\s*"
_UNDRESSED = r"\s*(?:\*\*|\}})?(?:\\[ ,;])?[\s~]*"
_SPELLINGS = tuple(
    _DRESSED + mark + _UNDRESSED
    for mark in (
        r"\(\s*{0}\s*\)",
        r"(?<!\()(?<!\w){0}\s?\)",
        r"\[\s*{0}\s*\]",
        r"(?<!\w){0}\s?\.",
        r"(?<!\w){0}\s?:",
        r"(?<!\w){0}\s+[-–—](?=\s)",
    )
)
_BEGINS = r"(?:^|(?<=[\s,;|~$])|(?=\\text|\\math|\*\*))"
_ENDS = re.compile(r"(?:[\s,;|~]|\\q?quad|\\\\)+\Z")
_GOLD = re.compile(
    r"(?:\$|\*\*|\\(?:textbf|text|mathrm|mathbf|boxed)\{|[(\[{]|\s|option |choice |answer:? )*"
    r"([A-Za-z])\s*(?:[)\].:}*$].*)?",
    re.DOTALL | re.IGNORECASE,
)


def choices_of(value: Any) -> tuple[str, ...]:  # noqa: ANN401 (any JSON)
    """The texts of the choices without their letters: of a list, an object (by letter, or with lists of
    `text` and `label`), or one text. Raises ValueError where they cannot be told apart.
    """
    match value:
        case str():
            return _split(value)
        case Mapping():
            texts: Any = value.get("text")
            return choices_of(texts) if isinstance(texts, list) else _by_letter(value)
        case Sequence():
            return _unlettered([str(choice).strip() for choice in value])
        case _:
            message = f"the choices are a {type(value).__name__}"
            raise ValueError(message)


def letter_of(gold: Any, choices: Sequence[str]) -> str:  # noqa: ANN401 (any JSON)
    """The letter of the right choice: by a place from 0, by a letter in any spelling, or by its text.

    Raises ValueError for one that there is not.
    """
    if isinstance(gold, int | float) and not isinstance(gold, bool):
        place = int(gold) if math.isfinite(gold) and gold == int(gold) else -1
    else:
        text = str(gold).strip()
        found = _GOLD.fullmatch(text)
        if text in choices:
            place = list(choices).index(text)
        elif found:
            place = LETTERS.index(found[1].upper())
        else:
            place = int(text) if text.isascii() and text.isdigit() else -1
    if not 0 <= place < min(len(choices), len(LETTERS)):
        message = f"the gold {gold!r} is none of {len(choices)} choices"
        raise ValueError(message)
    return LETTERS[place]


def _by_letter(value: Mapping[str, Any]) -> tuple[str, ...]:
    keys = sorted(str(key) for key in value)
    if [key.upper() for key in keys] != list(LETTERS[: len(keys)]):
        message = f"the choices are named {', '.join(keys)}"
        raise ValueError(message)
    return tuple(str(value[key]).strip() for key in keys)


def _unlettered(options: list[str]) -> tuple[str, ...]:
    """The letters go where each option has its own, in one spelling."""
    for spelling in _SPELLINGS:
        for letters in (LETTERS, LETTERS.lower()):
            found = [
                re.match(spelling.format(letter), option)
                for letter, option in zip(letters, options, strict=False)
            ]
            if len(options) > 1 and all(found):
                return tuple(
                    _plain(option[mark.end() :]) if mark else option
                    for mark, option in zip(found, options, strict=True)
                )
    return tuple(options)


def _split(text: str) -> tuple[str, ...]:
    """One text cut at its letters, by the spelling that goes furthest."""
    tried = [
        _marks(text, spelling, letters) for spelling in _SPELLINGS for letters in (LETTERS, LETTERS.lower())
    ]
    marks = max(tried, key=len)
    if len(marks) < 2:
        message = f"the options {text[:60]!r} have no letters"
        raise ValueError(message)
    ends = [begin for begin, _ in marks[1:]] + [len(text)]
    return tuple(_plain(text[start:end]) for (_, start), end in zip(marks, ends, strict=True))


def _plain(choice: str) -> str:
    """Without what parts it from the next; the dollar that closes the formula of all choices goes too."""
    text = _ENDS.sub("", choice).strip()
    return _ENDS.sub("", text.removesuffix("$")) if text.count("$") == 1 else text


def _marks(text: str, spelling: str, letters: str) -> list[tuple[int, int]]:
    """Where the letters stand, from the first one on, each behind the one before."""
    marks: list[tuple[int, int]] = []
    place = 0
    for letter in letters:
        found = re.compile(_BEGINS + spelling.format(letter), re.MULTILINE).search(text, place)
        if found is None:
            break
        marks.append(found.span())
        place = found.end()
    return marks
