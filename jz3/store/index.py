"""Where the rows of a file are: a dictionary for a journal, which grows; sorted arrays for a segment.

A segment ends with its arrays (upper and lower half of each key, offset; 24 bytes per row) and a trailer with
their offset and checksum. A look-up is a binary search in them.
"""

import mmap
import struct
import zlib
from collections.abc import Mapping, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from jz3.store.records import header_at

TRAILER = struct.Struct("<8sQQI")
"""Magic, number of rows, offset of the index, checksum of the index."""
TRAILER_MAGIC = b"jz3-rows"
ROW_BYTES = 24

Numbers = NDArray[np.uint64]


class JournalIndex:
    """Positions of a journal's rows, in the order in which they were written."""

    def __init__(self, offsets: Mapping[bytes, int]) -> None:
        self._offsets = dict(offsets)

    def add(self, found: Mapping[bytes, int]) -> None:
        """Add offsets of rows that were flushed meanwhile, or found elsewhere in the file."""
        self._offsets.update(found)

    def find(self, keys: list[bytes]) -> list[tuple[bytes, int]]:
        """Key and offset of those keys that are here."""
        return [(key, self._offsets[key]) for key in keys if key in self._offsets]

    def keys(self) -> list[bytes]:
        return sorted(self._offsets)

    def offsets(self) -> Mapping[bytes, int]:
        return self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def later(self, start: int) -> list[bytes]:
        """Keys from the `start`-th on, in the order in which they were added."""
        return list(islice(self._offsets, start, None))


class SegmentIndex:
    """Positions of a segment's rows: 24 bytes a row."""

    def __init__(self, high: Numbers, low: Numbers, offsets: Numbers) -> None:
        self._high, self._low, self._offsets = high, low, offsets

    def __len__(self) -> int:
        return int(self._high.size)

    def later(self, start: int) -> list[bytes]:
        """All keys if `start` is 0, otherwise none: a segment never grows."""
        return [] if start else self.keys()

    def find(self, keys: list[bytes]) -> list[tuple[bytes, int]]:
        """Key and offset of those keys that are here."""
        if not keys or not self._high.size:
            return []
        high, low = _halves(keys)
        last = self._high.size - 1
        place = np.minimum(np.searchsorted(self._high, high), last)
        while True:
            shared = (self._high[place] == high) & (self._low[place] < low) & (place < last)
            if not shared.any():
                break
            place = place + shared
        hits = np.flatnonzero((self._high[place] == high) & (self._low[place] == low))
        return [
            (keys[hit], offset)
            for hit, offset in zip(hits.tolist(), self._offsets[place[hits]].tolist(), strict=True)
        ]

    def keys(self) -> list[bytes]:
        return [
            high.to_bytes(8, "big") + low.to_bytes(8, "big")
            for high, low in zip(self._high.tolist(), self._low.tolist(), strict=True)
        ]

    def row(self, place: int) -> tuple[bytes, int]:
        """Key and offset of one row, by its place in the order of keys."""
        key = int(self._high[place]).to_bytes(8, "big") + int(self._low[place]).to_bytes(8, "big")
        return key, int(self._offsets[place])

    def offsets(self) -> Mapping[bytes, int]:
        return dict(self.find(self.keys()))


def places_of(keys: Sequence[str]) -> SegmentIndex:
    """An index that gives the position of each key (32 hex digits, all different) in the sequence."""
    numbers = np.frombuffer(bytes.fromhex("".join(keys)), dtype=">u8").astype(np.uint64).reshape(-1, 2)
    order = np.lexsort((numbers[:, 1], numbers[:, 0]))
    return SegmentIndex(numbers[order, 0], numbers[order, 1], order.astype(np.uint64))


def encoded_index(offsets: Mapping[bytes, int], start: int) -> bytes:
    """Arrays and trailer as they follow the records of a segment, from byte `start` on."""
    keys = sorted(offsets)
    high, low = _halves(keys)
    places = np.array([offsets[key] for key in keys], dtype=np.uint64)
    arrays = b"".join(array.astype("<u8").tobytes() for array in (high, low, places))
    return arrays + TRAILER.pack(TRAILER_MAGIC, len(offsets), start, zlib.crc32(arrays))


def sealed_index(data: mmap.mmap) -> tuple[SegmentIndex, int] | None:
    """The index of a segment and the byte where it begins; None if it is damaged or another file's."""
    at = len(data) - TRAILER.size
    if at < 0:
        return None
    magic, rows, start, checksum = TRAILER.unpack_from(data, at)
    if magic != TRAILER_MAGIC or start + rows * ROW_BYTES != at or zlib.crc32(data[start:at]) != checksum:
        return None
    numbers = np.frombuffer(data[start:at], dtype="<u8").astype(np.uint64).reshape(3, rows)
    index = SegmentIndex(numbers[0], numbers[1], numbers[2])
    return (index, start) if _is_of(index, data) else None


def _is_of(index: SegmentIndex, data: mmap.mmap) -> bool:
    """Whether the first and the last row of an index are where it says, whole or damaged.

    An index from another file of the same size would hide every row.
    """
    for place in {0, len(index) - 1} if len(index) else ():
        key, offset = index.row(place)
        header = header_at(data, offset)
        if header is not None and header[0] != key:
            return False
    return True


def _halves(keys: list[bytes]) -> tuple[Numbers, Numbers]:
    numbers = np.frombuffer(b"".join(keys), dtype=">u8").astype(np.uint64).reshape(len(keys), 2)
    return np.ascontiguousarray(numbers[:, 0]), np.ascontiguousarray(numbers[:, 1])
