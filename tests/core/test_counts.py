"""Counts of rows: each row is in one count, and the counts come in a stated order."""

from collections import Counter

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.counts import counts, row_count


@given(st.lists(st.text(max_size=3)))
def test_counts_are_those_of_the_values_in_their_order(values):
    found = counts(pl.Series(values, dtype=pl.String))
    assert found == Counter(values)
    assert list(found) == sorted(found)


def test_words_of_an_enum_are_sorted_as_words():
    levels = pl.Series(["middle", "grade", "middle"], dtype=pl.Enum(["middle", "grade"]))
    assert list(counts(levels).items()) == [("grade", 1), ("middle", 2)]


@given(st.integers(0, 50))
def test_the_height_is_the_number_of_rows(rows):
    assert row_count(pl.DataFrame({"a": range(rows)}, schema={"a": pl.Int64}).lazy()) == rows
