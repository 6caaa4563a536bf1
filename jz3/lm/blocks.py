"""Rows packed into blocks of a fixed length, several documents a block.

Documents do not see each other: positions restart at each one, and models read blocks with these positions,
without an attention mask and without a cache. The first label of a document is masked, so nothing is
predicted across a border.

Rows go where they fit best, longest first, within a window; windows keep their order. Packing costs about a
microsecond a row, as all rows of one length are placed together.
"""

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from jz3.lm.encode import IGNORED_LABEL, EncodedRow, FlatRows, flat_rows

ARRAYS = ("tokens", "labels", "positions", "documents")

Ints = NDArray[np.int32]

LAID_OUT_AT_ONCE = 512
"""Blocks (chosen: of 2,048 tokens, some 60 MB of arrays and indices)."""
DIGESTED_AT_ONCE = 4096
"""Blocks (chosen: some megabytes)."""


@dataclass(frozen=True)
class Blocks:
    """Tokens, labels, positions and documents have the shape [blocks, block_length].

    `documents` numbers the documents of a block from 1; 0 is padding, which is a document of its own.
    """

    tokens: Ints
    labels: Ints
    positions: Ints
    documents: Ints
    rows: NDArray[np.int64]
    """[documents] number of the row that each document is, block after block."""
    row_starts: NDArray[np.int64]
    """[blocks + 1] where the rows of each block start."""

    def rows_of(self, block: int) -> NDArray[np.int64]:
        return self.rows[self.row_starts[block] : self.row_starts[block + 1]]

    def part(self, first: int, end: int) -> "Blocks":
        """Blocks from `first` to before `end`."""
        cut = (getattr(self, name)[first:end] for name in ARRAYS)
        starts = self.row_starts[first : end + 1]
        return Blocks(*cut, rows=self.rows[starts[0] : starts[-1]], row_starts=starts - starts[0])

    @property
    def length(self) -> int:
        """Tokens in a block."""
        return int(self.tokens.shape[1])

    def __len__(self) -> int:
        return int(self.tokens.shape[0])


def pack_rows(numbered: Mapping[int, EncodedRow], length: int, padding: int) -> Blocks:
    """One window of rows as `pack_flat` packs it, in one piece.

    `numbered` are rows under their numbers in the table that they come from.
    """
    rows = numbered.values()
    flat = replace(
        flat_rows([row.tokens for row in rows], [()] * len(rows), list(numbered)),
        learnt=np.array([label != IGNORED_LABEL for row in rows for label in row.labels], np.bool_),
    )
    order, places = _placed(flat, length)
    return _laid_out(flat, order, places, length, padding)


def pack_flat(rows: FlatRows, length: int, padding: int) -> Iterator[Blocks]:
    """One window of rows in as few blocks as best-fit decreasing finds; the same rows give the same blocks.

    Blocks stand in the order of their first rows, rows in a block in the order given. `padding` fills up.
    They come in pieces of LAID_OUT_AT_ONCE.
    """
    order, places = _placed(rows, length)
    starts = np.arange(0, int(places[-1]) + 1 if len(places) else 0, LAID_OUT_AT_ONCE)
    edges = np.append(np.searchsorted(places, starts), len(places))
    for start, (first, end) in zip(starts.tolist(), pairwise(edges.tolist()), strict=True):
        yield _laid_out(rows, order[first:end], places[first:end] - start, length, padding)


def _placed(rows: FlatRows, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows in the order of their blocks, and the block of each of them: [rows] both."""
    assert not len(rows.lengths) or int(rows.lengths.max()) <= length, "a row is longer than a block"
    places = _in_order_of_first_rows(best_fit(rows.lengths, length))
    order = np.argsort(places, kind="stable")
    return order, places[order]


def best_fit(lengths: NDArray[np.int64], capacity: int) -> NDArray[np.int64]:
    """The bin of each row under best-fit decreasing, bins of equal room first come, first served.

    Rows of one length l are placed together: a bin with room r takes r // l of them before the next bin is
    looked at, as its room stays the least that fits. For capacity 10 and lengths 6, 4, 3, 3: 6 and 4 share
    bin 0, both 3 go into bin 1.
    """
    bins = np.empty(len(lengths), np.int64)
    order = np.lexsort((np.arange(len(lengths)), -lengths))
    by_room: defaultdict[int, deque[NDArray[np.int64]]] = defaultdict(deque)
    rooms = 0  # bit r is set where a bin with room r is open
    opened = placed = 0
    sizes, counts = np.unique(lengths, return_counts=True)
    for size, count in zip(sizes[::-1].tolist(), counts[::-1].tolist(), strict=True):
        left = count
        while left:
            fitting = rooms >> size
            room = (fitting & -fitting).bit_length() - 1 + size if fitting else capacity
            each = room // size
            wanted = max(1, left // each)
            if fitting:
                chosen = _take(by_room[room], wanted)
                if not by_room[room]:
                    rooms &= ~(1 << room)
            else:
                chosen = np.arange(opened, opened + wanted)
                opened += wanted
            here = min(left, len(chosen) * each)
            bins[order[placed : placed + here]] = np.repeat(chosen, each)[:here]
            room_left = room - size * min(each, left)
            if room_left:
                by_room[room_left].append(chosen)
                rooms |= 1 << room_left
            placed += here
            left -= here
    return bins


def _take(open_bins: deque[NDArray[np.int64]], wanted: int) -> NDArray[np.int64]:
    """At most `wanted` of the open bins, from the front."""
    front = open_bins.popleft()
    if len(front) > wanted:
        open_bins.appendleft(front[wanted:])
    return front[:wanted]


def _in_order_of_first_rows(bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bins renumbered in the order in which their first rows come."""
    _, first_rows, numbers = np.unique(bins, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first_rows))[numbers]


def _laid_out(
    rows: FlatRows,
    chosen: NDArray[np.int64],
    places: NDArray[np.int64],
    length: int,
    padding: int,
) -> Blocks:
    """Arrays of the chosen rows, which come sorted by block; `places` are their blocks from 0."""
    count = int(places[-1]) + 1 if len(places) else 0
    lengths = rows.lengths[chosen]
    first_rows = np.flatnonzero(np.diff(places, prepend=-1))  # of each block
    in_block = np.diff(first_rows, append=len(places))  # rows of each block
    starts = np.cumsum(lengths) - lengths  # of each row among the chosen tokens
    targets = places * length + starts - np.repeat(starts[first_rows], in_block)  # in the flattened blocks
    within = np.arange(int(lengths.sum())) - np.repeat(starts, lengths)
    cells = np.repeat(targets, lengths) + within
    sources = np.repeat((np.cumsum(rows.lengths) - rows.lengths)[chosen], lengths) + within
    tokens = np.full(count * length, padding, np.int32)
    labels = np.full(count * length, IGNORED_LABEL, np.int32)
    documents = np.zeros(count * length, np.int32)
    tokens[cells] = rows.tokens[sources]
    with_loss = cells[rows.learnt[sources] & (within > 0)]  # never a row's first token
    labels[with_loss] = tokens[with_loss]
    documents[cells] = np.repeat(np.arange(len(places)) - np.repeat(first_rows, in_block) + 1, lengths)
    filled = np.bincount(places, weights=lengths, minlength=count).astype(np.int64)
    positions = (np.arange(length) - filled[:, None]).astype(np.int32).reshape(-1)
    positions[cells] = within
    shape = (count, length)
    return Blocks(
        tokens.reshape(shape),
        labels.reshape(shape),
        positions.reshape(shape),
        documents.reshape(shape),
        rows.numbers[chosen],
        np.append(first_rows, len(places)),
    )


class BlockWriter:
    """Appends blocks to four `.npy` files, whose headers are completed at the end: memory stays flat but for
    the numbers of the rows (8 bytes each), which are written to two more files at the end.
    """

    def __init__(self, directory: Path, length: int) -> None:
        self._directory, self._length = directory, length
        self._files: list[BinaryIO] = []
        self._rows: list[NDArray[np.int64]] = []
        self._row_starts: list[NDArray[np.int64]] = []
        self._documents = 0
        self.blocks = 0

    def __enter__(self) -> "BlockWriter":
        self._directory.mkdir(exist_ok=True)
        self._files = [(self._directory / f"{name}.npy").open("wb") for name in ARRAYS]
        self._write_headers()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._write_headers()
        for file in self._files:
            file.close()
        end = np.array([self._documents], np.int64)
        np.save(self._directory / "rows.npy", np.concatenate([end[:0], *self._rows]))
        np.save(self._directory / "row_starts.npy", np.concatenate([*self._row_starts, end]))

    def write(self, blocks: Blocks) -> None:
        for file, name in zip(self._files, ARRAYS, strict=True):
            file.write(np.ascontiguousarray(getattr(blocks, name)).data)
        self._rows.append(blocks.rows)
        self._row_starts.append(blocks.row_starts[:-1] + self._documents)
        self._documents += len(blocks.rows)
        self.blocks += len(blocks)

    def _write_headers(self) -> None:
        """Numpy leaves room in the header for a first dimension of any size, so it can be written twice."""
        header = {"descr": "<i4", "fortran_order": False, "shape": (self.blocks, self._length)}
        for file in self._files:
            file.seek(0)
            np.lib.format.write_array_header_1_0(file, header)


def open_blocks(directory: Path) -> Blocks:
    """Packed blocks, mapped into memory: read by index, nothing is copied."""
    names = (*ARRAYS, "rows", "row_starts")
    return Blocks(*(np.load(directory / f"{name}.npy", mmap_mode="r") for name in names))


def blocks_digest(blocks: Blocks) -> str:
    """Of what a training reads of them. Costs a second a gigabyte."""
    digest = hashlib.blake2b(digest_size=16)
    for name in ("tokens", "labels", "documents"):
        array = getattr(blocks, name)
        digest.update(f"{name}{array.shape}".encode())
        for start in range(0, len(array), DIGESTED_AT_ONCE):
            digest.update(np.ascontiguousarray(array[start : start + DIGESTED_AT_ONCE]).data)
    return digest.hexdigest()
