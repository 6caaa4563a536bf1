"""Numbers of a question that a program copied wrong: the question has 3, 15 and 100, the program `b = 150`.

The check is cautious. It reports a row only if the program assigns as many numbers to names as the question
has, in the same order, and few of them differ. The numbers that differ must not be

- the same quantity in other units (`conversions.py` beside this),
- the same numbers in another order,
- 0 or 1 in the program, where loops and sums begin, or
- found elsewhere in the program as the question has them.

Costs some 20 microseconds per tool problem.
"""

import re
from fractions import Fraction

import polars as pl

from jz3.curation.conversions import is_conversion

_GIVEN = re.compile(
    r"(?<![\d.])(?<![A-Za-z})]\^)(?<![A-Za-z})]\^\{)(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?"
)
"""Numbers other than powers of a letter or a unit."""
_NAMED = re.compile(r"^[A-Za-z_]\w*[ \t]*=[ \t]*-?(\d[\d_]*(?:\.\d+)?)[ \t]*(?:#.*)?$", re.MULTILINE)
_WRITTEN = re.compile(r"(?<![\w.])\d[\d_]*(?:\.\d+)?")
_MOST_NUMBERS = 20
"""The most numbers; a question with more has a table (chosen)."""


def miscopied_numbers(problems: pl.Series, programs: pl.Series, most: float) -> pl.Series:
    """The result of `miscopied` for each row; null if it has no program."""
    found = [
        None if program is None else miscopied(problem, program, most)
        for problem, program in zip(problems, programs, strict=True)
    ]
    return pl.Series(problems.name, found, dtype=pl.String)


def miscopied(problem: str, program: str, most: float) -> str | None:
    """The first number that was copied wrong; None if there is none or their share is above `most`."""
    named = [Fraction(number.replace("_", "")) for number in _NAMED.findall(program)[: _MOST_NUMBERS + 1]]
    if not 2 <= len(named) <= _MOST_NUMBERS:
        return None
    given = [Fraction(number.replace(",", "")) for number in _GIVEN.findall(problem)[: _MOST_NUMBERS + 1]]
    if len(given) != len(named):
        return None
    changed = [(one, other) for one, other in zip(given, named, strict=True) if one != other]
    if not changed or len(changed) > most * len(named):
        return None
    if any(other <= 1 or is_conversion(one, other) for one, other in changed):
        return None
    elsewhere = _WRITTEN.findall(_NAMED.sub("", program))
    if any(Fraction(number.replace("_", "")) == one for number in elsewhere for one, _ in changed):
        return None
    if sorted(one for one, _ in changed) == sorted(other for _, other in changed):
        return None
    return "question {}, program {}".format(*map(_shown, changed[0]))


def _shown(number: Fraction) -> str:
    return str(number) if number.denominator == 1 else str(float(number))
