"""Whether numbers are those of a benchmark item that a family may draw.

A task that draws new numbers and tells them in its own words could repeat a benchmark item without any of its
sentences, so that no comparison of texts finds it. Here only the numbers are compared, in any order, together
with the answer that they give. Costs some 50 microseconds.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from jz3.writer.catalogue import FAMILIES
from jz3.writer.family import Family, Values, Whole
from jz3.writer.splits import part_of


def is_held_out(numbers: Sequence[int], answer: Fraction) -> bool:
    """Whether some family's draw of the part `benchmark` has exactly these numbers and this answer."""
    return any(
        part_of(family, values) == "benchmark" and _gives(family, values, answer)
        for family in FAMILIES
        for values in _draws_with(family, numbers)
    )


def _draws_with(family: Family, numbers: Sequence[int]) -> Iterator[Values]:
    """The draws of a family with these numbers, in every order."""
    fields = {name: field for name, field in family.fields.items() if isinstance(field, Whole)}
    if len(fields) != len(numbers):
        return
    words = {name: field.options[0] for name, field in family.fields.items() if not isinstance(field, Whole)}
    for order in _orders(list(fields.values()), list(numbers)):
        values = Values({**words, **dict(zip(fields, order, strict=True))})
        if family.holds(values):
            yield values


def _orders(fields: Sequence[Whole], numbers: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Each order once."""
    if not fields:
        yield ()
        return
    for number in sorted(set(numbers)):
        if fields[0].low <= number <= fields[0].high:
            rest = list(numbers)
            rest.remove(number)
            yield from ((number, *others) for others in _orders(fields[1:], rest))


def _gives(family: Family, values: Values, answer: Fraction) -> bool:
    found = family.solve(values)["answer"]
    return not isinstance(found, str) and Fraction(found) == answer
