"""What the other values of a number of a question give: exact, by the family that words it.

Costs some 2 microseconds a value.
"""

from dataclasses import dataclass

from jz3.writer.catalogue import Reading
from jz3.writer.family import Exact, Family, Values, Whole


@dataclass(frozen=True)
class Fitting:
    """The values that were tried for a masked number."""

    others: list[int]
    """Those beside the label that give the same answer, ascending."""
    differing: int
    """How many give another answer."""

    @property
    def irrelevant(self) -> bool:
        """Whether the number does not matter: others are there, and all give the same answer."""
        return bool(self.others) and not self.differing


def other_values(reading: Reading, field: str) -> Fitting:
    """What each other value of the range of a field gives."""
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
    """None where these values have no answer."""
    try:
        return family.solve(values)["answer"]
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
