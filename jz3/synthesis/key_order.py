"""Completions arrive in any order and leave in the order of their keys, whatever their number.

Each goes to one of several temporary files by the range that its key lies in; at the end one file after the
other is sorted in memory. The files have no names: a killed run leaves none behind. Costs one more write and
read of the texts (lz4), and memory for two files (some 300 MB).
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, Any

import polars as pl
import pyarrow as pa

FILE_ROWS = 50_000
"""Rows of a file, about (chosen: some 120 MB of text)."""
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
ARROW = pl.DataFrame(schema=COLUMNS).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class KeyOrder:
    """Up to `rows` completions; its files lie in `directory`."""

    def __init__(self, rows: int, directory: Path) -> None:
        self._stack = ExitStack()
        directory.mkdir(parents=True, exist_ok=True)
        count = max(1, -(-rows // FILE_ROWS))
        self._files: list[IO[bytes]] = [
            self._stack.enter_context(TemporaryFile(dir=directory))  # noqa: SIM115 (the stack closes it)
            for _ in range(count)
        ]
        self._writers = [pa.ipc.new_stream(file, ARROW, options=OPTIONS) for file in self._files]
        self._waiting: dict[str, list[Any]] = {name: [] for name in COLUMNS}

    def __enter__(self) -> "KeyOrder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

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
        for file, writer in zip(self._files, self._writers, strict=True):
            writer.close()
            file.seek(0)
            table = pa.ipc.open_stream(file).read_all()
            rows = pl.from_arrow(table)
            assert isinstance(rows, pl.DataFrame)
            yield rows.cast(COLUMNS).sort("completion_id")

    def _share_out(self) -> None:
        rows = pl.DataFrame(self._waiting, schema=COLUMNS)
        self._waiting = {name: [] for name in COLUMNS}
        upper_half = pl.col("completion_id").str.head(8).str.to_integer(base=16, dtype=pl.Int64)
        numbered = rows.with_columns(file=upper_half * len(self._files) // 2**32)
        for part in numbered.partition_by("file"):
            table = part.drop("file").to_arrow(compat_level=pl.CompatLevel.oldest())
            self._writers[int(part["file"][0])].write_table(table.cast(ARROW))
