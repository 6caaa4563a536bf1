"""Rows packed into blocks of a fixed length, several documents per block.

Documents do not see each other: positions restart at each one, and models must read blocks with these
positions, without an attention mask and without a cache. The first label of a document is masked, so nothing
is predicted across a border.

Rows go where they fit best, longest first, within a window; windows keep their order. Packing costs about a
microsecond per row, because all rows of one length are placed together. What is kept is the tokens, a bit per
token that says whether it is learnt, and the length of each document: 4.2 bytes per token. Labels, positions
and documents are derived.
"""

import hashlib
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from jz3.core.errors import UserError
from jz3.core.kept_digests import kept_digest
from jz3.lm.encode import IGNORED_LABEL, EncodedRow, FlatRows, flat_rows

OF_BLOCKS = ("tokens", "learnt")
OF_DOCUMENTS = ("lengths", "rows", "row_starts")
"""Arrays that describe the documents of blocks; every array is a file `NAME.npy`."""

Ints = NDArray[np.int32]

LAID_OUT_AT_ONCE = 512
"""Blocks laid out together (chosen: of 2,048 tokens, some 60 MB of arrays and indices)."""
DIGESTED_AT_ONCE = 4096
"""Blocks digested together (chosen: some megabytes)."""


@dataclass(frozen=True)
class Blocks:
    """Blocks, with what is stored and what is derived.

    If blocks are mapped from a large file, select those you want (`part`, `chosen`) before you ask for
    labels, positions or documents: these are computed for all blocks and kept.
    """

    tokens: Ints
    """[blocks, block_length]"""
    learnt: NDArray[np.uint8]
    """[blocks, block_length / 8, rounded up] a bit for each token, the first one in the highest bit."""
    lengths: Ints
    """[documents] tokens of each, block after block."""
    rows: NDArray[np.int64]
    """[documents] number of the row that each document comes from."""
    row_starts: NDArray[np.int64]
    """[blocks + 1] index of the first document of each block."""
    directory: Path | None = None
    """The directory that holds all of them; None for blocks in memory, and for a selection."""

    @cached_property
    def labels(self) -> Ints:
        """[blocks, block_length] the token if it bears loss, else -100."""
        bits = np.unpackbits(self.learnt, axis=1, count=self.length).view(np.bool_)
        return np.where(bits, self.tokens, np.int32(IGNORED_LABEL))

    @cached_property
    def documents(self) -> Ints:
        """[blocks, block_length] number of the document in its block, from 1; padding is 0 and counts as a
        document of its own.
        """
        starts, counts = self.row_starts[:-1] - self.row_starts[0], np.diff(self.row_starts)
        documents = np.zeros(self.tokens.shape, np.int32)
        numbers = np.arange(1, len(self.lengths) + 1) - np.repeat(starts, counts)
        documents[self._filled] = np.repeat(numbers, self.lengths)
        return documents

    @cached_property
    def positions(self) -> Ints:
        """[blocks, block_length] position of each token in its document."""
        filled = self._filled.sum(axis=1, dtype=np.int32)
        positions = np.arange(self.length, dtype=np.int32) - filled[:, None]
        starts = np.cumsum(self.lengths, dtype=np.int64) - self.lengths
        positions[self._filled] = np.arange(int(filled.sum())) - np.repeat(starts, self.lengths)
        return positions

    @cached_property
    def _filled(self) -> NDArray[np.bool_]:
        """[blocks, block_length] whether there is a token and not padding."""
        blocks = np.repeat(np.arange(len(self)), np.diff(self.row_starts))
        filled = np.bincount(blocks, weights=self.lengths, minlength=len(self))
        return np.arange(self.length) < filled[:, None]

    @property
    def label_tokens(self) -> int:
        """Tokens that bear loss."""
        return int(np.unpackbits(self.learnt, axis=1).sum())

    def rows_of(self, block: int) -> NDArray[np.int64]:
        return self.rows[self.row_starts[block] : self.row_starts[block + 1]]

    def part(self, first: int, end: int) -> "Blocks":
        """Blocks from `first` to before `end`."""
        starts = self.row_starts[first : end + 1]
        documents = slice(starts[0], starts[-1])
        return Blocks(
            self.tokens[first:end],
            self.learnt[first:end],
            self.lengths[documents],
            self.rows[documents],
            starts - starts[0],
        )

    def chosen(self, numbers: NDArray[np.int64]) -> "Blocks":
        """The blocks with these numbers, in this order."""
        counts = self.row_starts[numbers + 1] - self.row_starts[numbers]
        ends = np.cumsum(counts)
        places = np.arange(int(ends[-1]) if len(ends) else 0)
        documents = places + np.repeat(self.row_starts[numbers] - (ends - counts), counts)
        return Blocks(
            self.tokens[numbers],
            self.learnt[numbers],
            self.lengths[documents],
            self.rows[documents],
            np.append(ends - counts, len(places)),
        )

    @property
    def length(self) -> int:
        """Tokens in a block."""
        return int(self.tokens.shape[1])

    def __len__(self) -> int:
        return int(self.tokens.shape[0])


def pack_rows(numbered: Mapping[int, EncodedRow], length: int, padding: int) -> Blocks:
    """Pack one window of rows as `pack_flat` does, in one piece.

    The keys of `numbered` are the rows' numbers in their table.
    """
    rows = numbered.values()
    flat = replace(
        flat_rows([row.tokens for row in rows], [()] * len(rows), list(numbered)),
        learnt=np.array([label != IGNORED_LABEL for row in rows for label in row.labels], np.bool_),
    )
    order, places = _placed(flat, length)
    return _laid_out(flat, order, places, length, padding)


def pack_flat(rows: FlatRows, length: int, padding: int) -> Iterator[Blocks]:
    """Pack one window of rows into as few blocks as best-fit decreasing needs; equal rows give equal blocks.

    Blocks are in the order of their first rows, and the rows of a block in the order given. Free places are
    filled with `padding`. Yields at most LAID_OUT_AT_ONCE blocks at a time.
    """
    order, places = _placed(rows, length)
    starts = np.arange(0, int(places[-1]) + 1 if len(places) else 0, LAID_OUT_AT_ONCE)
    edges = np.append(np.searchsorted(places, starts), len(places))
    for start, (first, end) in zip(starts.tolist(), pairwise(edges.tolist()), strict=True):
        yield _laid_out(rows, order[first:end], places[first:end] - start, length, padding)


def _placed(rows: FlatRows, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows in the order of their blocks, and the block of each: both [rows]."""
    assert not len(rows.lengths) or int(rows.lengths.max()) <= length, "a row is longer than a block"
    places = _in_order_of_first_rows(best_fit(rows.lengths, length))
    order = np.argsort(places, kind="stable")
    return order, places[order]


def best_fit(lengths: NDArray[np.int64], capacity: int) -> NDArray[np.int64]:
    """The bin of each row under best-fit decreasing; among bins with equal room the first is taken.

    Rows of one length l are placed together: a bin with room r takes r // l of them before the next bin is
    considered, because it remains the one with the least room that fits. For capacity 10 and lengths 6, 4, 3,
    3: 6 and 4 share bin 0, both 3 go into bin 1.
    """
    bins = np.empty(len(lengths), np.int64)
    order = np.lexsort((np.arange(len(lengths)), -lengths))
    by_room: defaultdict[int, deque[NDArray[np.int64]]] = defaultdict(deque)
    rooms = 0  # bit r is set if a bin with room r is open
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
    """Take at most `wanted` of the open bins, from the front."""
    front = open_bins.popleft()
    if len(front) > wanted:
        open_bins.appendleft(front[wanted:])
    return front[:wanted]


def _in_order_of_first_rows(bins: NDArray[np.int64]) -> NDArray[np.int64]:
    """The bins, renumbered in the order of their first rows."""
    _, first_rows, numbers = np.unique(bins, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first_rows))[numbers]


def _laid_out(
    rows: FlatRows,
    chosen: NDArray[np.int64],
    places: NDArray[np.int64],
    length: int,
    padding: int,
) -> Blocks:
    """Arrays of the chosen rows, which come sorted by block; `places` are their blocks, counted from 0."""
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
    tokens[cells] = rows.tokens[sources]
    learnt = np.zeros(count * length, np.bool_)
    learnt[cells] = rows.learnt[sources] & (within > 0)  # never a row's first token
    return Blocks(
        tokens.reshape(count, length),
        np.packbits(learnt.reshape(count, length), axis=1),
        lengths.astype(np.int32),
        rows.numbers[chosen],
        np.append(first_rows, len(places)),
    )


class BlockWriter:
    """Appends blocks to two `.npy` files, whose headers are completed at the end. Memory stays constant
    except for 12 bytes per document, which are written to three more files at the end.
    """

    def __init__(self, directory: Path, length: int) -> None:
        self._directory = directory
        self._widths = {"tokens": ("<i4", length), "learnt": ("|u1", -(-length // 8))}
        self._files: dict[str, BinaryIO] = {}
        self._of_documents: dict[str, list[NDArray[np.int64] | Ints]] = {
            "lengths": [np.zeros(0, np.int32)],
            "rows": [np.zeros(0, np.int64)],
            "row_starts": [np.zeros(1, np.int64)],
        }
        self.blocks = 0

    def __enter__(self) -> "BlockWriter":
        self._directory.mkdir(exist_ok=True)
        self._files = {name: (self._directory / f"{name}.npy").open("wb") for name in OF_BLOCKS}
        self._write_headers()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._write_headers()
        for file in self._files.values():
            file.close()
        for name, parts in self._of_documents.items():
            np.save(self._directory / f"{name}.npy", np.concatenate(parts))

    def write(self, blocks: Blocks) -> None:
        for name, file in self._files.items():
            file.write(np.ascontiguousarray(getattr(blocks, name)).data)
        self._of_documents["lengths"].append(blocks.lengths)
        self._of_documents["rows"].append(blocks.rows)
        self._of_documents["row_starts"].append(
            blocks.row_starts[1:] + self._of_documents["row_starts"][-1][-1]
        )
        self.blocks += len(blocks)

    def _write_headers(self) -> None:
        """Write the headers, for a second time at the end: numpy leaves room for a first dimension of any
        size.
        """
        for name, file in self._files.items():
            kind, width = self._widths[name]
            header = {"descr": kind, "fortran_order": False, "shape": (self.blocks, width)}
            file.seek(0)
            np.lib.format.write_array_header_1_0(file, header)


def open_blocks(directory: Path) -> Blocks:
    """Packed blocks, mapped into memory: reading by index copies nothing. Raises UserError."""
    files = [directory / f"{name}.npy" for name in (*OF_BLOCKS, *OF_DOCUMENTS)]
    missing = ", ".join(file.name for file in files if not file.exists())
    if missing:
        raise UserError(
            f"{directory} lacks {missing}; blocks as this version of jz3 packs them were expected. Pack the "
            f"rows again: `dvc repro`, or `python -m stages.pack` for a set of your own."
        )
    return Blocks(*(np.load(file, mmap_mode="r") for file in files), directory=directory)


def blocks_digest(blocks: Blocks) -> str:
    """Digest of everything in the blocks that a training reads. Costs a second per gigabyte; nothing for a
    directory that has not changed since its blocks were last digested.
    """
    if blocks.directory is None:
        return _digest(blocks)
    files = [blocks.directory / f"{name}.npy" for name in (*OF_BLOCKS, *OF_DOCUMENTS)]
    return kept_digest(files, lambda: _digest(blocks))


def _digest(blocks: Blocks) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name in ("tokens", "learnt", "lengths", "row_starts"):
        array = getattr(blocks, name)
        digest.update(f"{name}{array.shape}".encode())
        for start in range(0, len(array), DIGESTED_AT_ONCE):
            digest.update(np.ascontiguousarray(array[start : start + DIGESTED_AT_ONCE]).data)
    return digest.hexdigest()
