"""Files of the store as a reader sees them: journals, which grow, and sealed segments, which never change.

A segment is the records of one or more journals, then an index. It is written whole under another name and
renamed. A look-up costs a search in the index and one read for each row found; a journal that has grown is
read on from where it was left.

A journal is named by chance while its writer lives, and by its size and the checksum over its headers too
once it was closed: so a file that was cut between two rows is known for one. What follows the last whole
flush of a journal whose writer lives is on its way and no damage; of any other it is damage, and the whole
rows before it count.
"""

import fcntl
import logging
import mmap
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from jz3.store.index import JournalIndex, SegmentIndex, encoded_index, sealed_index
from jz3.store.records import decode_result, next_header, record_at, release
from jz3.store.walking import Damage, Examined, examine, walk

log = logging.getLogger(__name__)

SEGMENT_BYTES = 64_000_000
"""A journal of this size is sealed (chosen)."""
JOURNAL, SEGMENT = ".journal", ".segment"
CLOSED = re.compile(r"[0-9a-f]{32}-(\d+)-([0-9a-f]{8})")
RELEASED_ROWS = 2_000
"""Rows read between two releases of the mapped pages: what was read is not held in memory (chosen)."""


@dataclass(frozen=True)
class Closed:
    """What a journal held when its writer closed it."""

    size: int
    running: int
    """The checksum over its headers."""


def closed_name(name: str, state: Closed) -> str:
    """The file name of a journal from then on."""
    return f"{name}-{state.size}-{state.running:08x}{JOURNAL}"


def closed_state(path: Path) -> Closed | None:
    """What the name of a journal says; None of one that was never closed, or before names said it."""
    found = CLOSED.fullmatch(path.stem)
    return Closed(int(found[1]), int(found[2], 16)) if found and path.suffix == JOURNAL else None


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


def is_written(journal: Path) -> bool:
    """Whether a writer, or compaction, holds a journal; raises FileNotFoundError where it was renamed."""
    with journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class RowFile:
    """An open journal or segment: where its rows are."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = -1
        self._data: mmap.mmap | None = None
        self._index: JournalIndex | SegmentIndex = JournalIndex({})
        self._end = 0
        """Of a journal: the byte behind the last whole flush that was taken in."""
        self._is_settled = True
        """Whether nothing follows it that may still become a flush."""
        self._lost = set[bytes]()
        """Keys in the index whose record is damaged, with no whole copy in the file."""
        self._named = set[Damage]()
        self.refresh()

    def refresh(self) -> None:
        """See what was appended since; raises FileNotFoundError where the file was merged into another."""
        if self.path.stat().st_size == self.size and self._is_settled:
            return
        self._map()
        if self.path.suffix == SEGMENT:
            self._open_segment()
        else:
            self._read_on()
        if self._data is not None:
            release(self._data)

    def _map(self) -> None:
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self._end = min(self._end, size)
            self._data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else None
            self.size = size

    def _open_segment(self) -> None:
        sealed = sealed_index(self._data) if self._data is not None else None
        if sealed is not None:
            self._index = sealed[0]
        else:
            self._examine()

    def _read_on(self) -> None:
        """Take in what was flushed since the last look."""
        last = self._end
        if self._data is not None:
            walked = walk(self._data, self._end)
            self._add(walked.offsets)
            self._end, last = walked.end, walked.last
        closed = closed_state(self.path)
        self._is_settled = closed is not None or self._end == self.size
        if closed is not None:
            if self._end < self.size or self.size != closed.size:
                self._examine()
        elif not self._is_settled and is_written(self.path):
            if self._data is not None and next_header(self._data, last + 1) is not None:
                self._examine()  # whole rows follow what is no row: no writer leaves that
        elif not self._is_settled:
            self._settle()

    def _settle(self) -> None:
        """The writer is gone, so that what is there now is all that will be."""
        self._is_settled = True
        if self.path.stat().st_size != self.size:  # it ended its flush between our look and its end
            self.refresh()
        else:
            self._examine()
            self._end = self.size

    def _add(self, offsets: Mapping[bytes, int]) -> None:
        if not isinstance(self._index, JournalIndex):
            self._index = JournalIndex(self._index.offsets())
        self._index.add(offsets)
        self._lost.difference_update(offsets)

    def _examine(self) -> Examined:
        """Look at every byte; the log names each damage once."""
        found, damages = self.examined(is_final=self.is_final())
        self._add(found.offsets)
        self._lost = set(self._index.offsets()) - found.offsets.keys()
        for damage in damages:
            if damage not in self._named:
                self._named.add(damage)
                log.warning("%s; what is lost there will be computed again", damage)
        return found

    def examined(self, *, is_final: bool) -> tuple[Examined, list[Damage]]:
        """Every whole row, whatever the index says, and every damage. Reads the whole file.

        `is_final` says that no writer will add to it (`is_final()` asks its lock).
        """
        if self.path.suffix == SEGMENT:
            found, said = _examined_segment(self._data)
        else:
            found, said = _examined_journal(self._data, closed_state(self.path), is_final=is_final)
        if self._data is not None:
            release(self._data)
        return found, [Damage(self.path, at, what) for at, what in said]

    def is_final(self) -> bool:
        """Whether no writer will add to the file any more."""
        try:
            return self.path.suffix == SEGMENT or not is_written(self.path)
        except FileNotFoundError:  # closed or merged under another name
            return True

    def record(self, key: bytes, at: int) -> bytes | None:
        """The record of a row at a place, or None where it is not whole there."""
        return record_at(self._data, at, key) if self._data is not None else None

    def results(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Results of those keys that lie here undamaged."""
        return {key: decode_result(record) for key, record in self.records(keys)}

    def records(self, keys: Iterable[str]) -> Iterator[tuple[str, bytes]]:
        """Key and record of those keys that lie here undamaged, in the order of the file."""
        wanted = [bytes.fromhex(key) for key in keys]
        found = self._index.find(wanted)
        if found and self._has_changed():
            found = self._index.find(wanted)
        if not found or self._data is None:
            return
        for place, (key, offset) in enumerate(sorted(found, key=lambda pair: pair[1]), start=1):
            record = record_at(self._data, offset, key)
            if record is None:
                record = self._whole_copy(key)
            if record is not None:
                yield key.hex(), record
            if place % RELEASED_ROWS == 0:
                release(self._data)
        release(self._data)

    def _has_changed(self) -> bool:
        """A mapped file that was cut since must not be read behind its end: that kills the process."""
        before = self.size
        with suppress(FileNotFoundError):  # merged into another: what is mapped stays
            self.refresh()
        return self.size != before

    def _whole_copy(self, key: bytes) -> bytes | None:
        """The record of a row that is not whole where the index says, from elsewhere in the file."""
        if key in self._lost:
            return None
        offset = self._examine().offsets.get(key)
        return None if offset is None or self._data is None else record_at(self._data, offset, key)

    def keys(self) -> list[str]:
        """Every key here, sorted."""
        if not self._lost:
            return [key.hex() for key in self._index.keys()]  # noqa: SIM118 (no dict)
        return [key.hex() for key in self._index.keys() if key not in self._lost]  # noqa: SIM118

    @property
    def count(self) -> int:
        """Keys here."""
        return len(self._index)

    def later_keys(self, start: int) -> list[str]:
        """Those that came after the first `start`."""
        return [key.hex() for key in self._index.later(start)] if start < self.count else []

    def offsets(self) -> Mapping[bytes, int]:
        """Every key here, as 16 bytes, and where its record begins."""
        offsets = self._index.offsets()
        return {key: at for key, at in offsets.items() if key not in self._lost} if self._lost else offsets


def _examined_segment(data: mmap.mmap | None) -> tuple[Examined, list[tuple[int, str]]]:
    if data is None:
        return Examined(), [(0, "the segment is empty; rows and their index were written there")]
    sealed = sealed_index(data)
    if sealed is None:
        found = examine(data, len(data))
        return found, [*found.damages, (found.end, "the segment has a damaged index, or none, at its end")]
    index, start = sealed
    found = examine(data, start)
    said, indexed = list(found.damages), index.offsets()
    absent = len(found.offsets.keys() - indexed.keys())
    if absent or (not said and indexed != found.offsets):
        said.append((start, f"the segment has a damaged index: {absent} rows are not in it, or not in place"))
    return found, said


def _examined_journal(
    data: mmap.mmap | None, closed: Closed | None, *, is_final: bool
) -> tuple[Examined, list[tuple[int, str]]]:
    """What follows the last whole flush of a journal that is not final may be on its way."""
    size = len(data) if data is not None else 0
    found = examine(data, size) if data is not None else Examined()
    said = list(found.damages)
    if closed is None and not is_final:
        found.offsets = {key: at for key, at in found.offsets.items() if at < found.flushed}
        return found, [(at, what) for at, what in said if at < found.flushed]
    if closed is not None:
        if not said and (size, found.running) != (closed.size, closed.running):
            what = f"it holds {size} bytes of whole rows; {closed.size} bytes of rows were written, or others"
            said.append((size, what))
        return found, said
    if data is None:
        return found, [(0, "it is empty; its writer was killed before its first row, or it was emptied")]
    if said and said[-1][0] == found.end and _is_index(data[found.end :], found):
        return found, said[:-1]
    if not said and found.flushed != size:
        said.append((size, "it ends within a flush; its writer was killed there, or it was cut"))
    return found, said


def _is_index(tail: bytes, found: Examined) -> bool:
    """Whether a journal was left while it was made a segment: every row is whole."""
    return bool(found.offsets) and encoded_index(found.offsets, found.end).startswith(tail)


def seal_in_place(journal: Path) -> None:
    """Make a segment of one journal that ends with a flush: its index goes to its end, and it is renamed.

    Costs no copy of the rows. A journal that was left between the two is still a journal, and known for one
    by the index behind its last flush.
    """
    offsets = RowFile(journal).offsets()
    with journal.open("ab") as file:
        write_index(file, offsets)
    journal.replace(journal.with_suffix(SEGMENT))
    sync_directory(journal.parent)


def write_index(file: BinaryIO, offsets: Mapping[bytes, int]) -> None:
    """What makes records a segment, put on the disk."""
    file.write(encoded_index(offsets, file.tell()))
    file.flush()
    os.fsync(file.fileno())


def sync_directory(directory: Path) -> None:
    """A new name in a directory outlives a power cut only once the directory itself is on the disk."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
