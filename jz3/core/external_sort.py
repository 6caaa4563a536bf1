"""Rows arrive in any order and leave in the order of a column, whatever their number.

Each goes to one of several temporary files. Who adds rows says for each to which, so that all rows of a file
come before all of the next; at the end one file after the other is sorted in memory and given back. The files
have no names: a killed run leaves none behind. Costs one more write and read of the rows (lz4), and memory
for two files.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryFile
from types import TracebackType
from typing import IO

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

MOST_FILES = 256
"""Open files at once (chosen: a process may have 1,024); above, files grow."""
OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


class InOrder:
    """Rows of one schema, sorted by the column `by`; the files lie in `directory`."""

    def __init__(self, files: int, schema: pl.Schema, by: str, directory: Path) -> None:
        self._stack = ExitStack()
        directory.mkdir(parents=True, exist_ok=True)
        self._files: list[IO[bytes]] = [
            self._stack.enter_context(TemporaryFile(dir=directory))  # noqa: SIM115 (the stack closes it)
            for _ in range(files)
        ]
        self._schema, self._by = schema, by
        self._arrow = _arrow(pl.DataFrame(schema=schema)).schema
        self._writers = [pa.ipc.new_stream(file, self._arrow, options=OPTIONS) for file in self._files]

    def __enter__(self) -> "InOrder":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def add(self, rows: pl.DataFrame, files: npt.NDArray[np.int64]) -> None:
        """Rows of the schema, with the number of the file of each."""
        order = np.argsort(files, kind="stable")
        table = _arrow(rows.select(self._schema.names())[order]).cast(self._arrow)
        bounds = np.searchsorted(files[order], np.arange(len(self._files) + 1))
        for file in np.flatnonzero(np.diff(bounds)).tolist():
            start, end = bounds[file : file + 2].tolist()
            self._writers[file].write_table(table.slice(start, end - start))

    def frames(self) -> Iterator[pl.DataFrame]:
        """All rows in their order, a file at a time, which is then gone. Nothing is added after."""
        for file, writer in zip(self._files, self._writers, strict=True):
            writer.close()
            file.seek(0)
            rows = pl.from_arrow(pa.ipc.open_stream(file).read_all(), schema=self._schema)
            assert isinstance(rows, pl.DataFrame)
            file.close()
            yield rows.sort(self._by)


def files_for(rows: int, file_rows: int) -> int:
    """Files of about `file_rows` rows each, at least one and at most MOST_FILES."""
    return min(MOST_FILES, max(1, -(-rows // file_rows)))


def by_hash(keys: pl.Series, files: int) -> npt.NDArray[np.int64]:
    """The file of each key, where keys are hashes of hex digits: their first 32 bits say it."""
    first_bits = keys.str.head(8).str.to_integer(base=16, dtype=pl.Int64)
    return (first_bits * files // 2**32).to_numpy()


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())
