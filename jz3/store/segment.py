"""Files of the store as a reader sees them: journals, which grow, and sealed segments, which never change.

A segment is the records of one or more journals, then an index. It is written completely under another name
and then renamed. A look-up costs a search in the index and one read per row found; in a journal that has
grown, reading continues where it stopped.
"""

import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from jz3.store.examining import JOURNAL, SEGMENT, Bytes, closed_state, is_written
from jz3.store.index import JournalIndex, SegmentIndex, encoded_index, sealed_index
from jz3.store.records import decode_result, next_header, record_at, release
from jz3.store.walking import Damage, Examined, walk

log = logging.getLogger(__name__)

SEGMENT_BYTES = 64_000_000
"""Size at which a journal is sealed (chosen)."""
RELEASED_ROWS = 2_000
"""Rows read before mapped pages are released, so that what was read does not stay in memory (chosen)."""


def paths_of(directory: Path) -> list[Path]:
    """The files of an operation: segments, then journals, each sorted by name.

    The directory is listed until two listings agree. A single listing may miss a file that is renamed
    meanwhile, and so its rows; but a file that it misses exists before the next listing begins.
    """
    listed = None
    while True:
        names = sorted(path for path in directory.iterdir() if path.suffix in (SEGMENT, JOURNAL))
        if names == listed:
            return sorted(names, key=lambda path: path.suffix == JOURNAL)
        listed = names


class RowFile:
    """An open journal or segment: where its rows are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._bytes = Bytes(path)
        self._index: JournalIndex | SegmentIndex = JournalIndex({})
        self._end = 0
        """In a journal: the byte after the last whole flush that was read."""
        self._is_settled = True
        """Whether nothing follows it that may still become a flush."""
        self._lost = set[bytes]()
        """Keys in the index whose record is damaged and has no whole copy in the file."""
        self._named = set[Damage]()
        self.refresh()

    def refresh(self) -> None:
        """Read what was appended since; raises FileNotFoundError if the file was merged into another."""
        if self.path.stat().st_size == self._bytes.size and self._is_settled:
            return
        self._bytes.read()
        self._end = min(self._end, self._bytes.size)
        if self.path.suffix == SEGMENT:
            self._open_segment()
        else:
            self._read_on()
        if self._bytes.data is not None:
            release(self._bytes.data)

    def _open_segment(self) -> None:
        sealed = sealed_index(self._bytes.data) if self._bytes.data is not None else None
        if sealed is not None:
            self._index = sealed[0]
        else:
            self._examine()

    def _read_on(self) -> None:
        """Read what was flushed since the last look."""
        last = self._end
        if self._bytes.data is not None:
            walked = walk(self._bytes.data, self._end)
            self._add(walked.offsets)
            self._end, last = walked.end, walked.last
        closed = closed_state(self.path)
        self._is_settled = closed is not None or self._end == self._bytes.size
        if closed is not None:
            if self._end < self._bytes.size or self._bytes.size != closed.size:
                self._examine()
        elif not self._is_settled and is_written(self.path):
            if self._bytes.data is not None and next_header(self._bytes.data, last + 1) is not None:
                self._examine()  # whole rows follow bytes that are no row, which no writer leaves
        elif not self._is_settled:
            self._settle()

    def _settle(self) -> None:
        """Read the rest: the writer is gone, so nothing will be added."""
        self._is_settled = True
        if self.path.stat().st_size != self._bytes.size:  # it finished its flush between our look and its end
            self.refresh()
        else:
            self._examine()
            self._end = self._bytes.size

    def _add(self, offsets: Mapping[bytes, int]) -> None:
        if not isinstance(self._index, JournalIndex):
            self._index = JournalIndex(self._index.offsets())
        self._index.add(offsets)
        self._lost.difference_update(offsets)

    def _examine(self) -> Examined:
        """Examine every byte; the log names each damage once."""
        found, damages = self._bytes.examined(is_final=self._bytes.is_final())
        self._add(found.offsets)
        self._lost = set(self._index.offsets()) - found.offsets.keys()
        for damage in damages:
            if damage not in self._named:
                self._named.add(damage)
                log.warning("%s; what is lost there will be computed again", damage)
        return found

    def results(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Results of those keys that are here and undamaged."""
        return {key: decode_result(record) for key, record in self.records(keys)}

    def records(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Key and record of those keys that are here and undamaged, in the order of the file."""
        wanted = [bytes.fromhex(key) for key in keys]
        found = self._index.find(wanted)
        if found and self._has_changed():
            found = self._index.find(wanted)
        if not found or self._bytes.data is None:
            return
        for place, (key, offset) in enumerate(sorted(found, key=lambda pair: pair[1]), start=1):
            record = record_at(self._bytes.data, offset, key)
            if record is None:
                record = self._whole_copy(key)
            if record is not None:
                yield key.hex(), record
            if place % RELEASED_ROWS == 0:
                release(self._bytes.data)
        release(self._bytes.data)

    def _has_changed(self) -> bool:
        """Whether the file was cut after it was mapped; reading beyond its end would kill the process."""
        before = self._bytes.size
        with suppress(FileNotFoundError):  # it was merged into another, but the mapping stays valid
            self.refresh()
        return self._bytes.size != before

    def _whole_copy(self, key: bytes) -> bytes | None:
        """Another record of a row, elsewhere in the file, if the one that the index names is not whole."""
        if key in self._lost:
            return None
        offset = self._examine().offsets.get(key)
        return None if offset is None else self._bytes.record(key, offset)

    def keys(self) -> list[str]:
        """Every key here, sorted."""
        if not self._lost:
            return [key.hex() for key in self._index.keys()]  # noqa: SIM118 (no dict)
        return [key.hex() for key in self._index.keys() if key not in self._lost]  # noqa: SIM118

    @property
    def count(self) -> int:
        """Number of keys here."""
        return len(self._index)

    def later_keys(self, start: int) -> list[str]:
        """Keys written after the first `start`."""
        return [key.hex() for key in self._index.later(start)] if start < self.count else []

    def offsets(self) -> Mapping[bytes, int]:
        """Every key here, as 16 bytes, with the offset of its record."""
        offsets = self._index.offsets()
        return {key: at for key, at in offsets.items() if key not in self._lost} if self._lost else offsets


def seal_in_place(journal: Path) -> None:
    """Make a segment of one journal that ends with a flush: append its index and rename it.

    The rows are not copied. If interrupted between the two steps, the file is still a journal and is
    recognised by the index after its last flush.
    """
    offsets = RowFile(journal).offsets()
    with journal.open("ab") as file:
        write_index(file, offsets)
    journal.replace(journal.with_suffix(SEGMENT))
    sync_directory(journal.parent)


def write_index(file: BinaryIO, offsets: Mapping[bytes, int]) -> None:
    """Write the index that makes records a segment, and sync the file to disk."""
    file.write(encoded_index(offsets, file.tell()))
    file.flush()
    os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """Sync a directory to disk, without which a new name in it may not survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
