"""Rows leave in the order of their column, in whatever order they came, and no file is left behind."""

import tempfile
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core import external_sort
from jz3.core.external_sort import MOST_FILES, UNKNOWN_FILES, Unsorted, by_hash, files_for, merged
from jz3.core.frames import Accounted, in_key_order

HELD = st.sampled_from([0, 200, 1_000, 10**9])
"""Bytes that may stay in memory: none, some, and all rows of these tests."""
HASHES = st.text("0123456789abcdef", min_size=32, max_size=32)


def counted(frames):
    rows = 0
    for frame in frames:
        rows += frame.height
        yield frame
    return rows


def in_order(frames, by, rows, directory):
    """All rows in order, the account, and the number of frames."""
    ordered = Accounted(Unsorted(counted(frames), frames[0].schema, by, rows).in_order(directory))
    pieces = list(ordered)
    return pl.concat(pieces), ordered.account, len(pieces)


@settings(max_examples=40)
@given(st.permutations(range(30)), st.integers(1, 30), st.integers(2, 40), st.integers(30, 90), HELD)
def test_rows_leave_by_position_however_they_came(positions, step, size, rows, held):
    table = pl.DataFrame({"position": positions, "text": [f"row {n}" * 3 for n in positions]})
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "FILE_ROWS", size)
        patch.setattr(external_sort, "HELD_BYTES", held)
        found, account, files = in_order(list(table.iter_slices(step)), "position", rows, Path(directory))
        assert list(Path(directory).iterdir()) == []
    assert found.equals(table.sort("position"))
    assert (account, files) == (30, -(-rows // size))


@settings(max_examples=40)
@given(
    st.lists(HASHES, min_size=1, unique=True), st.none() | st.integers(50, 10**7), st.integers(1, 20), HELD
)
def test_rows_leave_by_hash_however_they_came(keys, rows, step, held):
    table = pl.DataFrame({"key": keys, "number": range(len(keys))})
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(external_sort, "HELD_BYTES", held)
        found, account, files = in_order(list(table.iter_slices(step)), "key", rows, Path(directory) / "made")
    assert found.equals(table.sort("key"))
    assert (account, files) == (len(keys), files_for(rows))


def test_rows_of_another_schema_are_our_mistake(tmp_path):
    other = counted([pl.DataFrame({"other": ["a"]})])
    with pytest.raises(pl.exceptions.ColumnNotFoundError):
        list(Unsorted(other, pl.Schema({"key": pl.String}), "key", 1).in_order(tmp_path))


@given(st.lists(HASHES, min_size=1), st.integers(1, MOST_FILES))
def test_hashes_leave_in_their_order_over_any_number_of_files(keys, files):
    column = pl.Series("key", keys)
    chosen = by_hash(column.sort(), files)
    assert (np.diff(chosen) >= 0).all()
    assert 0 <= chosen[0] <= chosen[-1] < files


@given(st.integers(1, MOST_FILES))
def test_each_file_takes_an_equal_part_of_all_hashes(files):
    """Otherwise one file has most rows, and the memory for it has no bound."""
    firsts = pl.Series([f"{-(-number * 2**32 // files):08x}ff" for number in range(files)])
    assert by_hash(firsts, files).tolist() == list(range(files))


def test_files_are_as_many_as_the_rows_need_and_no_more_than_may_be_open(monkeypatch):
    monkeypatch.setattr(external_sort, "FILE_ROWS", 10)
    assert [files_for(rows) for rows in (0, 1, 10, 11, 10**9)] == [1, 1, 1, 2, MOST_FILES]
    assert files_for(None) == UNKNOWN_FILES


@given(st.lists(st.lists(st.integers(0, 99)), max_size=5), st.integers(1, 4))
def test_streams_that_are_in_order_are_merged_in_order_with_every_row(keys, step):
    tables = [
        pl.DataFrame({"key": sorted(some), "stream": number}, schema={"key": pl.Int64, "stream": pl.Int64})
        for number, some in enumerate(keys)
    ]
    pieces = list(merged([table.iter_slices(step) for table in tables], "key"))
    found = pl.concat([pl.DataFrame(schema={"key": pl.Int64, "stream": pl.Int64}), *pieces])
    assert found["key"].is_sorted()
    assert found.sort("key", "stream").equals(pl.concat([found.clear(), *tables]).sort("key", "stream"))
    assert all(piece.height for piece in pieces)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), unique=True, max_size=6),
    st.booleans(),
    st.integers(1, 3),
    st.sampled_from([["one"], ["one", "two"]]),
)
def test_rows_pass_if_and_only_if_their_whole_key_rises(keys, in_their_order, step, key):
    """A frame without rows between them changes nothing."""
    rows = sorted(keys) if in_their_order else keys
    if len(key) == 1:
        rows = list(dict(rows).items())
    table = pl.DataFrame(rows, schema={"one": pl.Int64, "two": pl.Int64}, orient="row")
    frames = [frame for part in table.iter_slices(step) for frame in (part, table.clear())]
    if rows == sorted(rows):
        assert pl.concat([table.clear(), *in_key_order(frames, key, Path("x"))]).equals(table)
    else:
        with pytest.raises(AssertionError, match="rows of x are not sorted by"):
            list(in_key_order(frames, key, Path("x")))
