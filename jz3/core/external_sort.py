"""Sort rows of any number by a column, in bounded memory.

`Unsorted` takes rows in any order and distributes them over piles, so that all rows of a pile come before all
of the next; then each pile in turn is sorted in memory and returned. The first piles wait in memory, up to
HELD_BYTES in all, and the others in temporary files without names: a killed run leaves none behind. The cost
is one copy of the rows, for those in files one more write and read (lz4), and memory for the first piles and
two others. `merged` reads several streams that are sorted already, and needs neither.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import accumulate
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
"""The fewest rows of a pile (chosen: some 120 MB of completions, 200 MB of prompts)."""
HELD_BYTES = 400_000_000
"""Rows in memory before files are used (chosen: 180,000 problems, with their solutions)."""
MOST_FILES = 256
"""The most piles, and so open files (chosen: a process may have 1,024); for more rows, piles grow."""
UNKNOWN_FILES = 64
"""Piles if the number of rows is not known (chosen: of ten million passages each takes some 250 MB)."""
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
        """All rows sorted by their column, a pile at a time; `directory` holds the temporary files."""
        directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            frames = Accounted(self.frames)
            for pile in self._piles(frames, lambda: stack.enter_context(TemporaryFile(dir=directory))):
                yield self._sorted(pile.take())
            return frames.account

    def _piles(self, frames: Accounted[A], new_file: Callable[[], IO[bytes]]) -> "list[_Pile]":
        schema = _arrow(pl.DataFrame(schema=self.schema)).schema
        piles = [_Pile(schema) for _ in range(files_for(self.rows))]
        for frame in frames:
            self._share_out(frame.select(self.schema.names()), piles)
            for pile in _beyond(HELD_BYTES, piles):
                pile.move(new_file())
        return piles

    def _share_out(self, rows: pl.DataFrame, piles: "Sequence[_Pile]") -> None:
        numbers = self._files_of(rows[self.by], len(piles))
        order = np.argsort(numbers, kind="stable")
        bounds = np.searchsorted(numbers[order], np.arange(len(piles) + 1))
        for number in np.flatnonzero(np.diff(bounds)).tolist():
            start, end = bounds[number : number + 2].tolist()
            piles[number].add(rows[order[start:end]])

    def _files_of(self, keys: pl.Series, files: int) -> npt.NDArray[np.int64]:
        """The number of the file for each key."""
        if keys.dtype == pl.String:
            return by_hash(keys, files)
        assert self.rows is not None, "the positions of an unknown number of rows cannot be shared out"
        return keys.to_numpy() * files // max(self.rows, 1)

    def _sorted(self, table: pa.Table) -> pl.DataFrame:
        rows = pl.from_arrow(table, schema=self.schema)
        assert isinstance(rows, pl.DataFrame)
        return rows.sort(self.by)


class _Pile:
    """Rows in memory, or in a file once they were moved there."""

    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._held: list[pa.Table] = []
        self._moved: tuple[IO[bytes], pa.RecordBatchStreamWriter] | None = None

    @property
    def in_memory(self) -> bool:
        return self._moved is None

    @property
    def held_bytes(self) -> int:
        return sum(table.nbytes for table in self._held)

    def add(self, rows: pl.DataFrame) -> None:
        """Add a copy of the rows, so that the frame they were cut out of can be freed."""
        table = _arrow(rows).cast(self._schema)
        if self._moved is None:
            self._held.append(table)
        else:
            self._moved[1].write_table(table)

    def move(self, file: IO[bytes]) -> None:
        """Move the rows to a file, where further ones will go, too."""
        writer = pa.ipc.new_stream(file, self._schema, options=OPTIONS)
        for table in self._held:
            writer.write_table(table)
        self._held.clear()
        self._moved = file, writer

    def take(self) -> pa.Table:
        """The rows, which the pile then no longer holds."""
        if self._moved is None:
            table = pa.concat_tables([self._schema.empty_table(), *self._held])
            self._held.clear()
            return table
        file, writer = self._moved
        writer.close()
        file.seek(0)
        with file:
            return pa.ipc.open_stream(file).read_all()


def _beyond(most: int, piles: Sequence[_Pile]) -> list[_Pile]:
    """The piles in memory that together with those before them hold more than `most` bytes."""
    sizes = accumulate(pile.held_bytes for pile in piles)
    return [pile for pile, size in zip(piles, sizes, strict=True) if size > most and pile.in_memory]


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
