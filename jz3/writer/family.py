"""A problem family: drawn values, wordings, a solution, a program, and the exact answer.

A family is data: templates with `{fields}`, the ranges of the fields, and the arithmetic between them. The
wordings that write a problem also read it back (`Family.read`), so that a problem which a model wrote in a
family's words can be checked against the exact answer (`jz3.writer.catalogue.read`).

Costs: a draw, its texts and its answer take some 50 microseconds; only the standard library is loaded.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from string import Formatter

from jz3.writer.draws import Draws

Exact = int | Fraction | str
"""An exact number, or an answer in words or LaTeX."""


@dataclass(frozen=True)
class Whole:
    """A whole number in [low, high]."""

    low: int
    high: int

    pattern = r"-?\d+"


@dataclass(frozen=True)
class Word:
    """One of several words or phrases."""

    options: tuple[str, ...]

    pattern = r"[A-Za-z][A-Za-z' -]*?"


@dataclass(frozen=True)
class Values:
    """The drawn fields of one problem: `v.a` is the whole number `a`, `v.word("name")` the word `name`."""

    drawn: Mapping[str, int | str]

    def __getattr__(self, name: str) -> int:
        if name.startswith("_"):
            raise AttributeError(name)
        value = self.drawn[name]
        if isinstance(value, str):
            message = f"field {name} holds {value!r}; a whole number was expected"
            raise TypeError(message)
        return value

    def word(self, name: str) -> str:
        return str(self.drawn[name])


@dataclass(frozen=True)
class Family:
    """A kind of problem. The texts of `wordings`, `solution` and `program` are templates over the fields.

    A field of `solution` or `program` is a drawn value or a key of `solve`. In `program`, write `{{` for `{`.
    """

    name: str
    """`level.what`, such as `grade.change`."""
    words: tuple[str, ...]
    """Lower-case words whose presence in a passage calls for this family."""
    fields: Mapping[str, Whole | Word]
    wordings: tuple[str, ...]
    """At least three; in each, every window of twelve words holds a drawn value."""
    holds: Callable[[Values], bool]
    """Whether drawn values make a good problem (no negative change, whole results ...)."""
    solve: Callable[[Values], Mapping[str, Exact]]
    """Every intermediate result that `solution` states, and the `answer`. Exact for any values that it is
    given; it raises ZeroDivisionError or ValueError where no answer exists."""
    solution: str
    """Step by step, each intermediate result written out; ends before the final sentence with the box."""
    program: str
    """Python that prints the answer in its last line."""
    proves: Callable[[Values, Exact], bool]
    """Whether an answer is right, found another way than `solve` finds it (put back into the conditions,
    counted by brute force, sympy)."""

    @property
    def level(self) -> str:
        return self.name.partition(".")[0]

    def draw(self, draws: Draws) -> Values:
        """The first draw that `holds`."""
        for attempt in range(10_000):
            values = Values(
                {
                    name: draws.whole(f"{name}/{attempt}", field.low, field.high)
                    if isinstance(field, Whole)
                    else draws.choice(f"{name}/{attempt}", field.options)
                    for name, field in self.fields.items()
                }
            )
            if self.holds(values):
                return values
        message = f"family {self.name}: 10,000 draws and none holds"
        raise AssertionError(message)

    def read(self, problem: str) -> Values | None:
        """The values of a problem that is worded as this family words it; None for any other text."""
        for pattern in self.patterns:
            found = pattern.fullmatch(" ".join(problem.split()))
            if found:
                return Values(
                    {
                        name: int(text) if isinstance(self.fields[name], Whole) else text
                        for name, text in found.groupdict().items()
                    }
                )
        return None

    @cached_property
    def patterns(self) -> tuple[re.Pattern[str], ...]:
        return tuple(self._pattern(wording) for wording in self.wordings)

    def _pattern(self, wording: str) -> re.Pattern[str]:
        """A field's first place captures, its later places must repeat it; fields not shown are not read."""
        parts: list[str] = []
        seen: set[str] = set()
        for literal, name, _, _ in Formatter().parse(wording):
            parts.append(re.escape(literal))
            if name is None:
                continue
            parts.append(f"(?P={name})" if name in seen else f"(?P<{name}>{self.fields[name].pattern})")
            seen.add(name)
        return re.compile("".join(parts))


def plain(value: Exact) -> str:
    """The value as a program prints it: `3/4`."""
    return str(value)


def latex(value: Exact) -> str:
    r"""The value as prose writes it: `\frac{3}{4}`."""
    if isinstance(value, Fraction) and value.denominator != 1:
        sign = "-" if value < 0 else ""
        return f"{sign}\\frac{{{abs(value.numerator)}}}{{{value.denominator}}}"
    return str(value)
