"""Completions arrive in any order, one by one, and leave in the order of their keys, whatever their number.

They are shared out over files by the first 32 bits of their keys (`jz3/core/external_sort.py`). Costs memory
for two files (some 300 MB) and for the rows that wait.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl

from jz3.core.external_sort import InOrder, by_hash, files_for

FILE_ROWS = 50_000
"""Least rows of a file, about (chosen: some 120 MB of text)."""
CHUNK_ROWS = 20_000
"""Rows that wait in memory before they are shared out (chosen)."""
COLUMNS = pl.Schema(
    {
        "completion_id": pl.String,
        "text": pl.String,
        "finish_reason": pl.String,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
    }
)
RESULT_COLUMNS = COLUMNS.names()[1:]


@contextmanager
def in_key_order(rows: int, directory: Path) -> Generator["KeyOrder"]:
    """For about `rows` completions; files lie in `directory` until the block ends."""
    count = files_for(rows, FILE_ROWS)
    with InOrder(count, COLUMNS, "completion_id", directory) as ordered:
        yield KeyOrder(ordered, count)


class KeyOrder:
    """Completions that go in one by one, and come out in order."""

    def __init__(self, ordered: InOrder, files: int) -> None:
        self._ordered, self._count = ordered, files
        self._waiting: dict[str, list[Any]] = {name: [] for name in COLUMNS}

    def add(self, key: str, result: Mapping[str, Any]) -> None:
        """A row of the store; each key once."""
        self._waiting["completion_id"].append(key)
        for name in RESULT_COLUMNS:
            self._waiting[name].append(result[name])
        if len(self._waiting["completion_id"]) >= CHUNK_ROWS:
            self._share_out()

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows, sorted by `completion_id` within and across frames. Nothing is added after."""
        self._share_out()
        yield from self._ordered.frames()

    def _share_out(self) -> None:
        rows = pl.DataFrame(self._waiting, schema=COLUMNS)
        self._waiting = {name: [] for name in COLUMNS}
        self._ordered.add(rows, by_hash(rows["completion_id"], self._count))
