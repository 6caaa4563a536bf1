"""A directory that changed after it was listed is listed again, however long ago that was."""

import time
from pathlib import Path

from jz3.store.row_store import CLOCK_NS, Operation, RowStore, request_key

OPERATION = Operation("test", 1)


def put(root: Path, name: str) -> str:
    """Store a row under its key, as another process would."""
    key = request_key(OPERATION, {"name": name})
    with RowStore(root).writer(OPERATION) as writer:
        writer.append(key, {"name": name}, {"is": name})
        writer.commit()
    return key


def test_rows_of_a_later_writer_are_found_once_the_listing_has_aged(tmp_path):
    store = RowStore(tmp_path)
    first = put(tmp_path, "first")
    time.sleep(1.5 * CLOCK_NS / 1e9)  # until a listing taken now is trusted
    assert store.known(OPERATION, [first]) == {first: {"is": "first"}}
    second = put(tmp_path, "second")
    assert store.known(OPERATION, [first, second]) == {first: {"is": "first"}, second: {"is": "second"}}
