"""A follower sees each row once, whoever writes it and whatever happens to the files meanwhile."""

from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.store.row_store import RowStore
from tests.store.test_rows import OPERATION, write

STEPS = st.lists(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=4) | st.none(), max_size=8)
"""Rows to commit, one journal each; None compacts."""


@given(STEPS, st.sets(st.integers(0, 7)))
@settings(max_examples=60, deadline=None)
def test_each_row_comes_once_over_new_journals_and_compaction(steps, looks):
    with TemporaryDirectory() as directory:
        follower, seen = RowStore(Path(directory)).follow(OPERATION), []
        for place, texts in enumerate(steps):
            if texts is None:
                RowStore(Path(directory)).compact()
            else:
                write(RowStore(Path(directory)), [texts])
            if place in looks:
                seen += [row.request["text"] for row in follower.new()]
        seen += [row.request["text"] for row in follower.new()]
        assert sorted(seen) == sorted({text for texts in steps if texts for text in texts})
        assert follower.new() == []


def test_a_journal_that_grows_is_read_on_and_other_keys_are_not_decoded(tmp_path):
    keys = [f"{number:032x}" for number in range(6)]
    follower = RowStore(tmp_path).follow(OPERATION, wanted=set(keys[1::2]))
    with RowStore(tmp_path).writer(OPERATION) as writer:
        for number, key in enumerate(keys):
            writer.append(key, {}, {"number": number})
            writer.flush()
            found = [row.result["number"] for row in follower.new()]
            assert found == ([number] if number % 2 else [])
