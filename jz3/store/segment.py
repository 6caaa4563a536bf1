"""Files of the store as a reader sees them: journals, which grow, and sealed segments, which never change.

A segment is the records of a journal, then an index sorted by key (three arrays of 64-bit numbers: upper and
lower half of the key, offset), then a trailer with the index's place and checksum. It is written whole
under another name and renamed. A look-up costs a binary search in the index and one read for each row found.
"""

import logging
import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jz3.store.records import decode_result, record_bytes, walk

log = logging.getLogger(__name__)

SEGMENT_BYTES = 64_000_000
"""A journal of this size is sealed (chosen)."""
JOURNAL, SEGMENT = ".journal", ".segment"
TRAILER = struct.Struct("<8sQQI")
"""Magic, number of rows, offset of the index, checksum of the index."""
TRAILER_MAGIC = b"jz3-rows"

Numbers = NDArray[np.uint64]


class RowFile:
    """An open journal or segment: where its rows are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with path.open("rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            self._data = mmap.mmap(file.fileno(), self.size, access=mmap.ACCESS_READ) if self.size else None
        self._high, self._low, self._offsets = self._index()

    def results(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Results of those keys that lie here undamaged."""
        return {key: decode_result(record) for key, record in self.records(keys)}

    def records(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Key and record of those keys that lie here undamaged, in the order of the file."""
        if self._data is None:
            return
        for key, offset in self._find([bytes.fromhex(key) for key in keys]):
            record = record_bytes(self._data, offset, key, self.path)
            if record is not None:
                yield key.hex(), record

    def keys(self) -> list[str]:
        """Every key here, sorted."""
        return [
            (high.to_bytes(8, "big") + low.to_bytes(8, "big")).hex()
            for high, low in zip(self._high.tolist(), self._low.tolist(), strict=True)
        ]

    def _find(self, keys: list[bytes]) -> list[tuple[bytes, int]]:
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
        found = zip(hits.tolist(), self._offsets[place[hits]].tolist(), strict=True)
        return sorted(((keys[hit], offset) for hit, offset in found), key=lambda pair: pair[1])

    def _index(self) -> tuple[Numbers, Numbers, Numbers]:
        if self._data is None:
            return _sorted_index({})
        if self.path.suffix == SEGMENT:
            sealed = _sealed_index(self._data)
            if sealed is not None:
                return sealed
            log.warning("%s has a damaged index; its records are read one by one", self.path)
        return _sorted_index(walk(self._data, self.path).offsets)


def seal(journal: Path) -> Path:
    """Make a segment of a closed journal, then delete the journal. Damaged rows stay out."""
    source = RowFile(journal)
    segment = journal.with_suffix(SEGMENT)
    part = segment.with_suffix(".part")
    offsets: dict[bytes, int] = {}
    with part.open("wb") as file:
        for key, record in source.records(source.keys()):
            offsets[bytes.fromhex(key)] = file.tell()
            file.write(record)
        index = b"".join(array.astype("<u8").tobytes() for array in _sorted_index(offsets))
        trailer = TRAILER.pack(TRAILER_MAGIC, len(offsets), file.tell(), zlib.crc32(index))
        file.write(index + trailer)
        file.flush()
        os.fsync(file.fileno())
    part.replace(segment)
    sync_directory(segment.parent)
    journal.unlink()
    return segment


def sync_directory(directory: Path) -> None:
    """A new name in a directory outlives a power cut only once the directory itself is on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sealed_index(data: mmap.mmap) -> tuple[Numbers, Numbers, Numbers] | None:
    """The arrays at the end of a segment, or None where they are damaged."""
    at = len(data) - TRAILER.size
    if at < 0:
        return None
    magic, rows, start, checksum = TRAILER.unpack_from(data, at)
    if magic != TRAILER_MAGIC or start + rows * 24 != at or zlib.crc32(data[start:at]) != checksum:
        return None
    numbers = np.frombuffer(data[start:at], dtype="<u8").astype(np.uint64).reshape(3, rows)
    return numbers[0], numbers[1], numbers[2]


def _sorted_index(offsets: dict[bytes, int]) -> tuple[Numbers, Numbers, Numbers]:
    keys = sorted(offsets)
    high, low = _halves(keys)
    return high, low, np.array([offsets[key] for key in keys], dtype=np.uint64)


def _halves(keys: list[bytes]) -> tuple[Numbers, Numbers]:
    numbers = np.frombuffer(b"".join(keys), dtype=">u8").astype(np.uint64).reshape(len(keys), 2)
    return np.ascontiguousarray(numbers[:, 0]), np.ascontiguousarray(numbers[:, 1])
