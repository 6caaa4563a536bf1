"""All problem families, level by level, and the check of a problem that a model wrote."""

from dataclasses import dataclass

from jz3.tables.words import LEVELS
from jz3.writer.families import aime, amc8, amc10, amc12, college, grade, high, middle
from jz3.writer.family import Exact, Family, Values

FAMILIES: tuple[Family, ...] = (
    *grade.FAMILIES,
    *middle.FAMILIES,
    *high.FAMILIES,
    *college.FAMILIES,
    *amc8.FAMILIES,
    *amc10.FAMILIES,
    *amc12.FAMILIES,
    *aime.FAMILIES,
)

BY_LEVEL: dict[str, tuple[Family, ...]] = {
    level: tuple(family for family in FAMILIES if family.level == level) for level in LEVELS
}


@dataclass(frozen=True)
class Reading:
    """A problem as a family reads it: the family, the values in its text, and the exact answer (None if these
    values have none).
    """

    family: Family
    values: Values
    answer: Exact | None


def read(problem: str) -> Reading | None:
    """The family whose wording a text has; None if no family's."""
    for family in FAMILIES:
        values = family.read(problem)
        if values is not None:
            return Reading(family, values, _answer(family, values))
    return None


def _answer(family: Family, values: Values) -> Exact | None:
    try:
        return family.solve(values)["answer"]
    except (ZeroDivisionError, ValueError, OverflowError):
        return None
