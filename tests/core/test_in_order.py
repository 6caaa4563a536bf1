"""Rows leave in the order of their column, however they came, and no file is left behind."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.external_sort import MOST_FILES, InOrder, by_hash, files_for


@given(st.permutations(range(30)), st.integers(1, 30), st.integers(2, 9))
def test_rows_leave_by_position_however_they_came(positions, step, size):
    rows = pl.DataFrame({"position": positions, "text": [f"row {n}" * 3 for n in positions]})
    with (
        tempfile.TemporaryDirectory() as directory,
        InOrder(-(-30 // size), rows.schema, "position", Path(directory)) as ordered,
    ):
        for frame in rows.iter_slices(step):
            ordered.add(frame, frame["position"].to_numpy() // size)
        assert list(Path(directory).iterdir()) == []
        assert pl.concat(ordered.frames()).equals(rows.sort("position"))


def test_a_file_without_rows_is_an_empty_frame(tmp_path):
    rows = pl.DataFrame({"key": ["b", "a", "z"]})
    with InOrder(3, rows.schema, "key", tmp_path / "made") as ordered:
        ordered.add(rows, np.array([0, 0, 2]))
        assert [frame["key"].to_list() for frame in ordered.frames()] == [["a", "b"], [], ["z"]]


def test_rows_of_another_schema_are_our_mistake(tmp_path):
    with (
        InOrder(1, pl.Schema({"key": pl.String}), "key", tmp_path) as ordered,
        pytest.raises(pl.exceptions.ColumnNotFoundError),
    ):
        ordered.add(pl.DataFrame({"other": ["a"]}), np.array([0]))


@given(
    st.lists(st.text("0123456789abcdef", min_size=32, max_size=32), min_size=1), st.integers(1, MOST_FILES)
)
def test_hashes_leave_in_their_order_over_any_number_of_files(keys, files):
    column = pl.Series("key", keys)
    chosen = by_hash(column.sort(), files)
    assert (np.diff(chosen) >= 0).all()
    assert 0 <= chosen[0] <= chosen[-1] < files


def test_files_are_as_many_as_the_rows_need_and_no_more_than_may_be_open():
    assert [files_for(rows, 10) for rows in (0, 1, 10, 11, 10**9)] == [1, 1, 1, 2, MOST_FILES]
