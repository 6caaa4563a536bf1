"""Files of the store as a reader sees them: journals, which grow, and sealed segments, which never change.

A segment is the records of one or more journals, then an index sorted by key (three arrays of 64-bit numbers:
upper and lower half of the key, offset), then a trailer with the index's place and checksum. It is written
whole under another name and renamed. A look-up costs a binary search in the index and one read for each row
found; a journal that has grown is read on from where it was left.
"""

import logging
import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from jz3.store.records import decode_result, record_bytes, release, walk

log = logging.getLogger(__name__)

SEGMENT_BYTES = 64_000_000
"""A journal of this size is sealed (chosen)."""
JOURNAL, SEGMENT = ".journal", ".segment"
TRAILER = struct.Struct("<8sQQI")
"""Magic, number of rows, offset of the index, checksum of the index."""
TRAILER_MAGIC = b"jz3-rows"
RELEASED_ROWS = 2_000
"""Rows read between two releases of the mapped pages: what was read is not held in memory (chosen)."""

Numbers = NDArray[np.uint64]


def paths_of(directory: Path) -> list[Path]:
    """The files of an operation: segments, then journals, each by name.

    Listed until two listings agree. One alone may miss a file that is renamed while it is read, and so its
    rows; what it missed was there before the next listing began.
    """
    listed = None
    while True:
        names = sorted(path for path in directory.iterdir() if path.suffix in (SEGMENT, JOURNAL))
        if names == listed:
            return sorted(names, key=lambda path: path.suffix == JOURNAL)
        listed = names


class JournalIndex:
    """Where the rows of a journal are."""

    def __init__(self) -> None:
        self._offsets: dict[bytes, int] = {}
        self._end = 0

    def read_on(self, data: mmap.mmap, path: Path) -> None:
        """Take in what was flushed since."""
        found = walk(data, path, self._end, sealed=path.suffix == SEGMENT)
        self._offsets.update(found.offsets)
        self._end = found.end

    def find(self, keys: list[bytes]) -> list[tuple[bytes, int]]:
        """Key and offset of those that are here."""
        return [(key, self._offsets[key]) for key in keys if key in self._offsets]

    def keys(self) -> list[bytes]:
        return sorted(self._offsets)

    def offsets(self) -> Mapping[bytes, int]:
        return self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def later(self, start: int) -> list[bytes]:
        """Keys from the `start`-th on, in the order in which they came."""
        return list(islice(self._offsets, start, None))


class SegmentIndex:
    """Where the rows of a segment are: 24 bytes a row."""

    def __init__(self, high: Numbers, low: Numbers, offsets: Numbers) -> None:
        self._high, self._low, self._offsets = high, low, offsets

    def __len__(self) -> int:
        return int(self._high.size)

    def later(self, start: int) -> list[bytes]:
        """All keys, or none: a segment never grows."""
        return [] if start else self.keys()

    def find(self, keys: list[bytes]) -> list[tuple[bytes, int]]:
        """Key and offset of those that are here."""
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

    def offsets(self) -> Mapping[bytes, int]:
        return dict(self.find(self.keys()))


def places_of(keys: Sequence[str]) -> SegmentIndex:
    """An index that finds the place of each key (32 hex digits, each there once) in the sequence."""
    numbers = np.frombuffer(bytes.fromhex("".join(keys)), dtype=">u8").astype(np.uint64).reshape(-1, 2)
    order = np.lexsort((numbers[:, 1], numbers[:, 0]))
    return SegmentIndex(numbers[order, 0], numbers[order, 1], order.astype(np.uint64))


class RowFile:
    """An open journal or segment: where its rows are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = 0
        self._data: mmap.mmap | None = None
        self._index: JournalIndex | SegmentIndex = JournalIndex()
        self.refresh()

    def refresh(self) -> None:
        """See what was appended since; raises FileNotFoundError where the file was merged into another."""
        size = self.path.stat().st_size
        if size == self.size:
            return
        with self.path.open("rb") as file:
            self.size = os.fstat(file.fileno()).st_size
            self._data = mmap.mmap(file.fileno(), self.size, access=mmap.ACCESS_READ)
        sealed = _sealed_index(self._data) if self.path.suffix == SEGMENT else None
        if sealed is not None:
            self._index = sealed
        elif self.path.suffix == SEGMENT:
            log.warning("%s has a damaged index; its records are read one by one", self.path)
        if isinstance(self._index, JournalIndex):
            self._index.read_on(self._data, self.path)
        release(self._data)

    def results(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Results of those keys that lie here undamaged."""
        return {key: decode_result(record) for key, record in self.records(keys)}

    def records(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Key and record of those keys that lie here undamaged, in the order of the file."""
        if self._data is None:
            return
        found = self._index.find([bytes.fromhex(key) for key in keys])
        for place, (key, offset) in enumerate(sorted(found, key=lambda pair: pair[1]), start=1):
            record = record_bytes(self._data, offset, key, self.path)
            if record is not None:
                yield key.hex(), record
            if place % RELEASED_ROWS == 0:
                release(self._data)
        release(self._data)

    def keys(self) -> list[str]:
        """Every key here, sorted."""
        return [key.hex() for key in self._index.keys()]  # noqa: SIM118 (no dict)

    @property
    def count(self) -> int:
        """Keys here."""
        return len(self._index)

    def later_keys(self, start: int) -> list[str]:
        """Those that came after the first `start`."""
        return [key.hex() for key in self._index.later(start)] if start < self.count else []

    def offsets(self) -> Mapping[bytes, int]:
        """Every key here, as 16 bytes, and where its record begins."""
        return self._index.offsets()


def seal(sources: Sequence[Path], segment: Path) -> int:
    """Make one segment of closed journals and segments, then delete them. Gives the number of rows.

    Of equal keys the first file's row stays; damaged rows, which the log names, stay out.
    """
    part = segment.with_suffix(".part")
    offsets: dict[bytes, int] = {}
    with part.open("wb") as file:
        for source in map(RowFile, sources):
            new = [key for key in source.keys() if bytes.fromhex(key) not in offsets]  # noqa: SIM118 (no dict)
            for key, record in source.records(new):
                offsets[bytes.fromhex(key)] = file.tell()
                file.write(record)
        _write_index(file, offsets)
    part.replace(segment)
    sync_directory(segment.parent)
    for source in sources:
        if source != segment:
            source.unlink()
    return len(offsets)


def seal_in_place(journal: Path) -> None:
    """Make a segment of one journal that ends with a flush: its index goes to its end, and it is renamed.

    Costs no copy of the rows. A journal that was left between the two is still a journal: what follows its
    last flush is not looked at.
    """
    offsets = RowFile(journal).offsets()
    with journal.open("ab") as file:
        _write_index(file, offsets)
    journal.replace(journal.with_suffix(SEGMENT))
    sync_directory(journal.parent)


def _write_index(file: BinaryIO, offsets: Mapping[bytes, int]) -> None:
    """What makes records a segment, put on the disk."""
    index = _encoded_index(offsets)
    file.write(index + TRAILER.pack(TRAILER_MAGIC, len(offsets), file.tell(), zlib.crc32(index)))
    file.flush()
    os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """A new name in a directory outlives a power cut only once the directory itself is on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sealed_index(data: mmap.mmap) -> SegmentIndex | None:
    """The arrays at the end of a segment, or None where they are damaged."""
    at = len(data) - TRAILER.size
    if at < 0:
        return None
    magic, rows, start, checksum = TRAILER.unpack_from(data, at)
    if magic != TRAILER_MAGIC or start + rows * 24 != at or zlib.crc32(data[start:at]) != checksum:
        return None
    numbers = np.frombuffer(data[start:at], dtype="<u8").astype(np.uint64).reshape(3, rows)
    return SegmentIndex(numbers[0], numbers[1], numbers[2])


def _encoded_index(offsets: Mapping[bytes, int]) -> bytes:
    keys = sorted(offsets)
    high, low = _halves(keys)
    places = np.array([offsets[key] for key in keys], dtype=np.uint64)
    return b"".join(array.astype("<u8").tobytes() for array in (high, low, places))


def _halves(keys: list[bytes]) -> tuple[Numbers, Numbers]:
    numbers = np.frombuffer(b"".join(keys), dtype=">u8").astype(np.uint64).reshape(len(keys), 2)
    return np.ascontiguousarray(numbers[:, 0]), np.ascontiguousarray(numbers[:, 1])
