"""Law: the parts divide the number draws of a family among them; none is in two parts. If it broke, the
benchmark would hold problems that the models were trained on.
"""

from collections import Counter

import pytest

from jz3.writer.catalogue import FAMILIES
from jz3.writer.draws import Draws
from jz3.writer.family import Values
from jz3.writer.splits import SHARES, TooFewDrawsError, distinct_draws, draw_of_part, part_of

each_family = pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)


def numbers(values):
    return tuple(value for value in values.drawn.values() if isinstance(value, int))


@each_family
def test_no_number_draw_is_in_two_parts(family):
    drawn = {
        part: {numbers(draw_of_part(family, part, f"{part}/{index}")) for index in range(40)}
        for part in SHARES
    }
    assert all(len(draws) > 5 for draws in drawn.values())
    assert sum(len(draws) for draws in drawn.values()) == len(set().union(*drawn.values()))


@each_family
def test_words_do_not_move_a_draw_to_another_part(family):
    for index in range(30):
        values = family.draw(Draws(f"words/{index}"))
        renamed = {name: value if isinstance(value, int) else "other" for name, value in values.drawn.items()}
        assert part_of(family, Values(renamed)) == part_of(family, values)


def test_the_shares_are_those_stated():
    assert sum(SHARES.values()) == 100
    found = Counter(
        part_of(family, family.draw(Draws(f"{family.name}/{index}")))
        for family in FAMILIES
        for index in range(10_000 // len(FAMILIES))
    )
    for part, share in SHARES.items():
        assert abs(100 * found[part] / found.total() - share) < 3


@each_family
def test_more_rows_keep_the_first_ones(family):
    few, many = (distinct_draws(family, "benchmark", rows, "key") for rows in (3, 8))
    assert many[:3] == few
    assert len({tuple(values.drawn.values()) for values in many}) == 8


def test_too_many_rows_of_a_family_are_an_error_that_names_it():
    family = min(FAMILIES, key=lambda family: len(family.fields))
    with pytest.raises(TooFewDrawsError, match=family.name):
        distinct_draws(family, "target", 100_000, "key")
