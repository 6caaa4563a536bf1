"""Sort rows of any number by a column, in bounded memory.

`Unsorted` takes rows in any order and distributes them over temporary files, so that all rows of a file come
before all of the next; then each file in turn is sorted in memory and returned. The files have no names: a
killed run leaves none behind. The cost is one more write and read of the rows (lz4), and memory for two
files. `merged` reads several streams that are sorted already, and needs neither.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Generic, TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa

from jz3.core.frames import Accounted

A = TypeVar("A")

FILE_ROWS = 50_000
"""The fewest rows of a file (chosen: some 120 MB of completions, 200 MB of prompts)."""
MOST_FILES = 256
"""The most open files (chosen: a process may have 1,024); for more rows, files grow."""
UNKNOWN_FILES = 64
"""Files if the number of rows is not known (chosen: of ten million passages each takes some 250 MB)."""
OPTIONS = pa.ipc.IpcWriteOptions(compression="lz4")


@dataclass(frozen=True)
class Unsorted(Generic[A]):
    """Frames of one schema in any order; their generator returns the account of all of them."""

    frames: Generator[pl.DataFrame, None, A]
    schema: pl.Schema
    by: str
    """The column to sort by: hashes of hex digits, or positions from 0 to `rows` - 1."""
    rows: int | None
    """The most rows that may come; None if not known, which is allowed only for hashes."""

    def in_order(self, directory: Path) -> Generator[pl.DataFrame, None, A]:
        """All rows sorted by their column, a file at a time; `directory` holds the temporary files."""
        directory.mkdir(parents=True, exist_ok=True)
        count = files_for(self.rows)
        with ExitStack() as stack:
            files: list[IO[bytes]] = [stack.enter_context(TemporaryFile(dir=directory)) for _ in range(count)]
            frames = Accounted(self.frames)
            self._share_out(frames, files)
            for file in files:
                yield self._sorted(file)
                file.close()
            return frames.account

    def _share_out(self, frames: Accounted[A], files: Sequence[IO[bytes]]) -> None:
        schema = _arrow(pl.DataFrame(schema=self.schema)).schema
        writers = [pa.ipc.new_stream(file, schema, options=OPTIONS) for file in files]
        for frame in frames:
            numbers = self._files_of(frame[self.by], len(files))
            order = np.argsort(numbers, kind="stable")
            table = _arrow(frame.select(self.schema.names())[order]).cast(schema)
            bounds = np.searchsorted(numbers[order], np.arange(len(files) + 1))
            for number in np.flatnonzero(np.diff(bounds)).tolist():
                start, end = bounds[number : number + 2].tolist()
                writers[number].write_table(table.slice(start, end - start))
        for writer in writers:
            writer.close()

    def _files_of(self, keys: pl.Series, files: int) -> npt.NDArray[np.int64]:
        """The number of the file for each key."""
        if keys.dtype == pl.String:
            return by_hash(keys, files)
        assert self.rows is not None, "the positions of an unknown number of rows cannot be shared out"
        return keys.to_numpy() * files // max(self.rows, 1)

    def _sorted(self, file: IO[bytes]) -> pl.DataFrame:
        file.seek(0)
        rows = pl.from_arrow(pa.ipc.open_stream(file).read_all(), schema=self.schema)
        assert isinstance(rows, pl.DataFrame)
        return rows.sort(self.by)


def merged(streams: Sequence[Iterator[pl.DataFrame]], by: str) -> Iterator[pl.DataFrame]:
    """The rows of all streams in the order of a column, by which each stream is sorted already. Needs memory
    for one frame of each.
    """
    rows = dict(enumerate(map(_filled, streams)))
    waiting = {number: next(frames, None) for number, frames in rows.items()}
    while held := {number: frame for number, frame in waiting.items() if frame is not None}:
        # No unread row comes before the smallest of the last rows read.
        bound = min(frame[by][-1] for frame in held.values())
        ready = {number: frame[by].search_sorted(bound, "right") for number, frame in held.items()}
        yield pl.concat([frame.head(ready[number]) for number, frame in held.items()]).sort(by)
        for number, frame in held.items():
            rest = frame.slice(ready[number])
            waiting[number] = rest if rest.height else next(rows[number], None)


def _filled(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    return (frame for frame in frames if frame.height)


def files_for(rows: int | None) -> int:
    """Files of about FILE_ROWS rows each, at least one and at most MOST_FILES."""
    return UNKNOWN_FILES if rows is None else min(MOST_FILES, max(1, -(-rows // FILE_ROWS)))


def by_hash(keys: pl.Series, files: int) -> npt.NDArray[np.int64]:
    """The file of each key, for keys that are hashes of hex digits: their first 32 bits decide."""
    first_bits = keys.str.head(8).str.to_integer(base=16, dtype=pl.Int64)
    return (first_bits * files // 2**32).to_numpy()


def _arrow(rows: pl.DataFrame) -> pa.Table:
    return rows.to_arrow(compat_level=pl.CompatLevel.oldest())
