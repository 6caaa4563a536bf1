r"""Finds the numbers of a question that can be replaced by a variable, and replaces one.

Promises: exactly the characters of one number are replaced, so that currency and percent signs, punctuation
and mathematical marks stay; putting its value back gives the question; the variable is new to the question.

A number is written in digits, with thousands separators, decimals (`.5`, too) or a denominator, or in words.
It does not count inside a word, a compound (`3-inch`), a time of day, a list without blanks (`5,8`), or a
formula with letters or operators, where it may be an exponent or an index. Words that only imply a value
(half, twice, dozen) do not count, nor does `one`, which is just as often a pronoun. The released code of
MetaMath works on tokens between blanks and includes signs, brackets and powers.

Costs some 35 microseconds per question (measured: 30,000 per core-second on the wordings of all families).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from jz3.answers.number_words import TENS, UP_TO_NINETEEN, number_in_words
from jz3.answers.tree import Number as NumberNode

VARIABLES = ("x", "y", "z", "k", "n")
"""The first one that is free is used (chosen: the paper's x already occurs in many questions)."""

_OPERATORS = r"\^*+=<>/:−–-"
_DIGITS = re.compile(
    rf"(?<![\w.,\\'’{_OPERATORS}])"
    r"(?:(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+|/\d+)?|\.\d+)"
    rf"(?![\w'’{_OPERATORS}]|[.,]\d|\\(?![%)\]])|\s?(?:[ap]\.?m\b|o['’]clock))"
)
_WORDS = (*UP_TO_NINETEEN[1:], *TENS, "hundred", "thousand")
_WORD = "|".join(sorted(_WORDS, key=len, reverse=True))
IN_WORDS = re.compile(
    rf"(?<![\w'’-])(?:{_WORD})(?:(?:[ -]|\s+and\s+)(?:{_WORD}))*(?![\w'’-]|\s?(?:[ap]\.?m\b|o['’]clock))",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"\$\$?(?=[^\s$])([^$]*[^\s$])\$\$?(?!\d)|\\\((.*?)\\\)|\\\[(.*?)\\\]", re.DOTALL)
_PLAIN_FORMULA = re.compile(r"[^A-Za-z\\^*+=<>/−–_{}-]*")
_COMMAND = re.compile(r"\\(?![%$()\[\]])")


@dataclass(frozen=True)
class NumberInText:
    """A number that can be masked: its characters, from `start` to `end`, and its exact value."""

    start: int
    end: int
    value: Fraction


@dataclass(frozen=True)
class MaskedQuestion:
    """A question with a variable in place of one number."""

    text: str
    variable: str
    start: int
    """Position of the variable."""
    written: str
    """The characters that it replaces."""
    label: str
    """Their exact value, such as `80000` or `1/2`."""

    @property
    def restored(self) -> str:
        """The original question."""
        return f"{self.text[: self.start]}{self.written}{self.text[self.start + len(self.variable) :]}"


def numbers_in(question: str) -> list[NumberInText]:
    """The numbers that can be masked, in their order."""
    found = [*_in_digits(question), *_in_words(question)]
    return sorted(found, key=lambda number: number.start)


def masks_of(question: str) -> list[MaskedQuestion]:
    """A copy of the question for each number; empty if every variable occurs in it."""
    variable = free_variable(question)
    if variable is None:
        return []
    return [
        MaskedQuestion(
            text=f"{question[: number.start]}{variable}{question[number.end :]}",
            variable=variable,
            start=number.start,
            written=question[number.start : number.end],
            label=str(number.value),
        )
        for number in numbers_in(question)
    ]


def free_variable(question: str) -> str | None:
    """The first variable that is neither a word nor in a formula of the question."""
    alone = set(re.findall(r"(?<![A-Za-z])[A-Za-z](?![A-Za-z])", question))
    return next((name for name in VARIABLES if name not in alone), None)


def _in_digits(question: str) -> Iterator[NumberInText]:
    barred = [found.span() for found in _FORMULA.finditer(question) if not _is_plain(found)]
    has_commands = "\\" in question
    for found in _DIGITS.finditer(question):
        if any(start < found.end() and found.start() < end for start, end in barred):
            continue
        if has_commands and _COMMAND.search(_token(question, found)):
            continue
        whole, _, below = found[0].replace(",", "").partition("/")
        if below and not int(below):
            continue
        value = Fraction(whole) / int(below or 1) if "." in whole else Fraction(int(whole), int(below or 1))
        yield NumberInText(*found.span(), value)


def _in_words(question: str) -> Iterator[NumberInText]:
    for found in IN_WORDS.finditer(question):
        read = number_in_words(found[0])
        if found[0].lower() == "one" or read is None or read.unit or not isinstance(read.node, NumberNode):
            continue
        yield NumberInText(*found.span(), read.node.value)


def _is_plain(formula: re.Match[str]) -> bool:
    r"""Whether a formula contains only a number, perhaps with a percent or currency sign: `$5$`, `$10\%$`."""
    content = next(part for part in formula.groups() if part is not None)
    return _PLAIN_FORMULA.fullmatch(content.replace("\\%", "").replace("\\$", "")) is not None


def _token(question: str, number: re.Match[str]) -> str:
    """The text around a number up to the next blanks."""
    before = re.split(r"\s", question[: number.start()])[-1]
    return before + re.split(r"\s", question[number.end() :], maxsplit=1)[0]
