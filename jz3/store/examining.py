"""The bytes of one file of the store and which of them are whole: for readers that met damage, and for
checks.

The name of a journal is random while its writer lives; once closed, it contains the size and the checksum
over the headers, too, which reveals a file that was cut between two rows. In a journal whose writer lives,
bytes after the last whole flush are being written and are no damage; in any other they are damage, but the
whole rows among them count.
"""

import fcntl
import mmap
import os
import re
from dataclasses import dataclass
from pathlib import Path

from jz3.store.index import encoded_index, sealed_index
from jz3.store.records import record_at, release
from jz3.store.walking import Damage, Examined, examine

JOURNAL, SEGMENT = ".journal", ".segment"
CLOSED = re.compile(r"[0-9a-f]{32}-(\d+)-([0-9a-f]{8})")


@dataclass(frozen=True)
class Closed:
    """The contents of a journal when its writer closed it."""

    size: int
    running: int
    """The checksum over its headers."""


def closed_name(name: str, state: Closed) -> str:
    """The name of a journal once it is closed."""
    return f"{name}-{state.size}-{state.running:08x}{JOURNAL}"


def closed_state(path: Path) -> Closed | None:
    """What the name of a journal says; None if it was never closed, or was closed before names said it."""
    found = CLOSED.fullmatch(path.stem)
    return Closed(int(found[1]), int(found[2], 16)) if found and path.suffix == JOURNAL else None


def is_written(journal: Path) -> bool:
    """Whether a writer or compaction holds a journal; raises FileNotFoundError if it was renamed."""
    with journal.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


class Bytes:
    """A file of the store, mapped by `read`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.size = -1
        self.data: mmap.mmap | None = None

    def read(self) -> None:
        """Map the file as it is now; raises FileNotFoundError if it was merged into another."""
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            self.data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ) if size else None
            self.size = size

    def is_final(self) -> bool:
        """Whether no writer will add to the file."""
        try:
            return self.path.suffix == SEGMENT or not is_written(self.path)
        except FileNotFoundError:  # closed or merged under another name
            return True

    def examined(self, *, is_final: bool) -> tuple[Examined, list[Damage]]:
        """Every whole row, whatever an index says, and every damage. Reads the whole file.

        `is_final` says that no writer will add to it.
        """
        if self.path.suffix == SEGMENT:
            found, said = _examined_segment(self.data)
        else:
            found, said = _examined_journal(self.data, closed_state(self.path), is_final=is_final)
        if self.data is not None:
            release(self.data)
        return found, [Damage(self.path, at, what) for at, what in said]

    def record(self, key: bytes, at: int) -> bytes | None:
        """The record of a row at an offset, or None if it is not whole there."""
        return record_at(self.data, at, key) if self.data is not None else None


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
    """Whole rows and damage; in a journal that is not final, what follows the last whole flush is no
    damage.
    """
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
    """Whether the end of a journal is an unfinished index: sealing was interrupted, but every row is
    whole.
    """
    return bool(found.offsets) and encoded_index(found.offsets, found.end).startswith(tail)
