"""The answers for other values of a question's number: exact, by the family that words the question.

Costs some 2 microseconds per value.
"""

from dataclasses import dataclass

from jz3.writer.catalogue import Reading
from jz3.writer.family import Exact, Family, Values, Whole


@dataclass(frozen=True)
class Fitting:
    """The values that were tried for a masked number."""

    others: list[int]
    """The values other than the label that give the same answer, ascending."""
    differing: int
    """How many values give another answer."""

    @property
    def irrelevant(self) -> bool:
        """Whether the number does not matter: other values were tried, and all give the same answer."""
        return bool(self.others) and not self.differing


def other_values(reading: Reading, field: str) -> Fitting:
    """The answers for each other value in the range of a field."""
    family, values = reading.family, reading.values
    whole = family.fields[field]
    assert isinstance(whole, Whole), "a word was read as a number"
    others: list[int] = []
    differing = 0
    for value in range(whole.low, whole.high + 1):
        if value == values.drawn[field]:
            continue
        found = _answer(family, Values({**values.drawn, field: value}))
        if found == reading.answer:
            others.append(value)
        elif found is not None:
            differing += 1
    return Fitting(others, differing)


def _answer(family: Family, values: Values) -> Exact | None:
    """The answer; None if these values have none."""
    try:
        return family.solve(values)["answer"]
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
