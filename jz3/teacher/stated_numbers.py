r"""The numbers that a question states, in whatever form, so that two wordings of it can be compared.

It reads digits (with thousands separators, decimals, a denominator, a sign), `\frac{3}{4}`, numbers in words,
and words with a value: half, twice, thrice, a dozen (12, or twelve times the number before it), a pair (2, or
twice the number before it). `one` is just as often a pronoun, so it may stand for a 1 or for nothing. A
percent sign is no part of a number: 20% and 20 percent are the same, 20% and 1/5 are not.

Costs some 20 microseconds per question.
"""

import re
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from jz3.answers.number_words import number_in_words
from jz3.answers.tree import Number
from jz3.teacher.number_masks import IN_WORDS

_FRAC = re.compile(r"\\[dt]?frac\s*\{\s*(\d+)\s*\}\s*\{\s*(\d+)\s*\}")
_DIGITS = re.compile(
    r"(?P<sign>(?<![\w.)}\]])[-−])?"
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?(?:/\d+(?!\d|\.\d))?|(?<![\w.])\.\d+)"
)
_VALUES = {"half": Fraction(1, 2), "twice": Fraction(2), "thrice": Fraction(3)}
_VALUED = re.compile(rf"\b(?:{'|'.join(_VALUES)})\b", re.IGNORECASE)
_UNITS = {"dozen": 12, "pair": 2}
_UNIT = re.compile(r"\s*\b(dozen|pair)s?\b", re.IGNORECASE)
_ALONE = re.compile(r"\b(?:an?|one)\s+(dozen|pair)\b", re.IGNORECASE)


@dataclass(frozen=True)
class StatedNumbers:
    """The values in a text, as often as each is stated, and how often the word `one` may be another 1."""

    values: Counter[Fraction]
    ones: int

    def as_in(self, other: "StatedNumbers") -> bool:
        """Whether both may state the same numbers equally often."""
        rest = {value: count for value, count in self.values.items() if value != 1}
        others = {value: count for value, count in other.values.items() if value != 1}
        least, others_least = self.values[Fraction(1)], other.values[Fraction(1)]
        return rest == others and least <= others_least + other.ones and others_least <= least + self.ones

    def __str__(self) -> str:
        return ", ".join(map(str, sorted(self.values.elements()))) or "none"


@lru_cache(maxsize=4_096)
def stated_numbers(text: str) -> StatedNumbers:
    """All numbers of a text; cached, because a question is compared with all its rewordings."""
    values: Counter[Fraction] = Counter()
    ones = 0
    text, taken = _taken(_ALONE, text)
    values.update(Fraction(_UNITS[found[1].lower()]) for found in taken)
    text, taken = _taken(_FRAC, text)
    values.update(_ratio(found[1], found[2]) for found in taken)
    for found in _DIGITS.finditer(text):
        values[_times_unit(_in_digits(found), text, found.end())] += 1
    for found in IN_WORDS.finditer(text):
        read = number_in_words(found[0])
        if read is None or not isinstance(read.node, Number):
            continue
        value = _times_unit(read.node.value, text, found.end())
        if value == 1:
            ones += 1
        else:
            values[value] += 1
    values.update(_VALUES[found[0].lower()] for found in _VALUED.finditer(text))
    return StatedNumbers(values, ones)


def _taken(pattern: re.Pattern[str], text: str) -> tuple[str, list[re.Match[str]]]:
    """The text without a pattern's matches, and the matches."""
    found = list(pattern.finditer(text))
    return (pattern.sub(" ", text) if found else text), found


def _in_digits(found: re.Match[str]) -> Fraction:
    above, _, below = found["number"].replace(",", "").partition("/")
    value = _ratio(above, below or "1")
    return -value if found["sign"] else value


def _ratio(above: str, below: str) -> Fraction:
    """A fraction; `3/0` is no number and counts as its numerator."""
    if "." in above:
        return Fraction(above) / (int(below) or 1)
    return Fraction(int(above), int(below) or 1)


def _times_unit(value: Fraction, text: str, end: int) -> Fraction:
    unit = _UNIT.match(text, end)
    return value if unit is None else value * _UNITS[unit[1].lower()]
