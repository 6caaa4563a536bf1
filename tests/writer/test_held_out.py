"""Numbers of a benchmark item are recognised in whatever order they come; those of a training draw
are not.
"""

from fractions import Fraction

import pytest

from jz3.writer.catalogue import FAMILIES
from jz3.writer.family import Values
from jz3.writer.held_out import is_held_out
from jz3.writer.splits import distinct_draws


def numbers(values: Values) -> list[int]:
    return [value for value in values.drawn.values() if isinstance(value, int)]


@pytest.mark.parametrize("family", FAMILIES[::4], ids=lambda family: family.name)
def test_a_benchmark_draw_is_found_by_its_numbers_and_answer(family):
    for values in distinct_draws(family, "benchmark", 3, "held out"):
        answer = family.solve(values)["answer"]
        if not isinstance(answer, str):
            assert is_held_out(numbers(values)[::-1], Fraction(answer))
            assert not is_held_out(numbers(values), Fraction(answer) + Fraction(1, 7))


def test_most_draws_for_training_are_free():
    drawn = [
        (values, family.solve(values)["answer"])
        for family in FAMILIES
        for values in distinct_draws(family, "teacher", 3, "free")
    ]
    known = [
        is_held_out(numbers(values), Fraction(answer))
        for values, answer in drawn
        if not isinstance(answer, str)
    ]
    assert 0 < sum(known) < 0.15 * len(known), "where the same numbers in another order are held out"
