"""Rows arrive in any order and leave in the order of their positions, whatever their number.

Each goes to one of several temporary files by the range that its position lies in; at the end one file after
the other is sorted in memory and given back. The files have no names: a killed run leaves none behind. Costs
one more write and read of the texts (lz4), and memory for two files of BUCKET_ROWS rows.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO, TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

I64: TypeAlias = npt.NDArray[np.int64]

BUCKET_ROWS = 100_000
"""Least rows of a file (chosen: some 220 MB of problems)."""
MOST_BUCKETS = 256
"""Open files at once (chosen: a process may have 1,024); above, files grow."""
POSITION = "position"
OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class Buckets:
    """Rows of one schema with the positions from 0 up to `rows`, each once; its files lie in `directory`."""

    def __init__(self, rows: int, schema: pl.Schema, directory: Path, bucket_rows: int = BUCKET_ROWS) -> None:
        self._stack = ExitStack()
        directory.mkdir(parents=True, exist_ok=True)
        self._size = max(bucket_rows, -(-rows // MOST_BUCKETS))
        count = max(1, -(-rows // self._size))
        self._files: list[IO[bytes]] = [
            self._stack.enter_context(TemporaryFile(dir=directory))  # noqa: SIM115 (the stack closes it)
            for _ in range(count)
        ]
        self._schema = schema
        self._arrow = _arrow(pl.DataFrame(schema=schema)).schema
        self._writers = [pa.ipc.new_stream(file, self._arrow, options=OPTIONS) for file in self._files]

    def __enter__(self) -> "Buckets":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, rows: pl.DataFrame) -> None:
        """Rows of the schema, with their positions."""
        ordered = rows.select(self._schema.names()).sort(POSITION)
        table = _arrow(ordered).cast(self._arrow)
        bounds = np.searchsorted(ordered[POSITION].to_numpy(), np.arange(len(self._files) + 1) * self._size)
        for bucket in np.flatnonzero(np.diff(bounds)).tolist():
            start, end = bounds[bucket : bucket + 2].tolist()
            self._writers[bucket].write_table(table.slice(start, end - start))

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows by position, a file at a time, which is then gone. Nothing is added after."""
        for file, writer in zip(self._files, self._writers, strict=True):
            writer.close()
            file.seek(0)
            rows = pl.from_arrow(pa.ipc.open_stream(file).read_all(), schema=self._schema)
            assert isinstance(rows, pl.DataFrame)
            file.close()
            yield rows.sort(POSITION)


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())
