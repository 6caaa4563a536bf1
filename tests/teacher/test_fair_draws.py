"""Which right solutions are kept: those with code, and an equal share from every seed."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.teacher.fair_draws import RightRow, beside_preferred, in_rounds, not_drawn

ROWS = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans()), max_size=30).map(
    lambda rows: [RightRow(f"{number}", seed, code) for number, (seed, code) in enumerate(rows)]
)


def solutions(code, text):
    return [RightRow(f"{number}", "seed", number < code) for number in range(code + text)]


@pytest.mark.parametrize(
    ("prefer", "one_of_six", "four_of_six"),
    [
        ("none", (1, 5), (4, 2)),
        ("all", (1, 0), (4, 0)),
        ("majority_code", (1, 5), (4, 0)),
        ("majority_text", (0, 5), (4, 0)),
        ("any_code", (1, 0), (4, 0)),
    ],
)
def test_the_table_of_code_and_text(prefer, one_of_six, four_of_six):
    for (code, text), kept in (((1, 5), one_of_six), ((4, 2), four_of_six)):
        rows = solutions(code, text)
        out = beside_preferred(rows, prefer)
        left = Counter(row.code for row in rows if row.row_id not in out)
        assert (left[True], left[False]) == kept


def test_text_stays_where_a_seed_has_no_code_unless_all_is_code():
    rows = solutions(0, 3)
    assert not beside_preferred(rows, "any_code")
    assert len(beside_preferred(rows, "all")) == 3


def test_rounds_take_one_of_each():
    rows = [(name[0], name) for name in ("a1", "b1", "a2", "c1", "a3", "a4", "c2")]
    assert in_rounds(rows)[:5] == ["a1", "b1", "c1", "a2", "c2"]


@given(rows=ROWS, wanted=st.integers(1, 40), seed=st.integers(0, 3), data=st.data())
def test_draws_are_even_and_a_larger_number_keeps_the_smaller_set(rows, wanted, seed, data):
    names = {row.row_id for row in rows}
    kept = names - not_drawn(rows, wanted, seed)
    assert len(kept) == min(wanted, len(rows))
    assert kept <= names - not_drawn(rows, wanted + 1, seed)
    assert kept == names - not_drawn(data.draw(st.permutations(rows)), wanted, seed)
    there = Counter(row.seed_id for row in rows)
    drawn = Counter(row.seed_id for row in rows if row.row_id in kept)
    most = max(drawn.values(), default=0)
    assert all(drawn[name] >= min(count, most - 1) for name, count in there.items())
