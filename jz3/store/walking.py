"""Finding the rows of a file of the store: fast if it is whole, otherwise record by record.

A walk reads only headers, about a microsecond per row, and stops at the first byte that is no whole record.
On damage, there or in a payload, the whole file is examined: every checksum is tried, and after one that
fails, the search for the next valid header continues inside the damaged record, so that every whole record is
found. That costs reading the file once.
"""

import mmap
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from jz3.store.records import HEADER, header_at, next_header, record_at, release

RELEASED_BYTES = 4_000_000
"""Bytes walked before mapped pages are released (chosen)."""


@dataclass(frozen=True)
class Walk:
    """The rows of a journal up to the first byte that is no whole record."""

    offsets: dict[bytes, int]
    """Offset of each record in whole flushes, by key (16 bytes); the last one of equal keys."""
    end: int
    """The byte after the last whole flush: the next walk of a journal that has grown starts here."""
    last: int
    """Where the last whole record begins: if that record lost bytes, the next one is inside it."""


@dataclass(frozen=True)
class Damage:
    """A stretch of a file that is not what was written there."""

    file: Path
    at: int
    what: str

    def __str__(self) -> str:
        return f"{self.file} is damaged at byte {self.at}: {self.what}"


@dataclass
class Examined:
    """What is whole in a file, and what is not."""

    offsets: dict[bytes, int] = field(default_factory=dict[bytes, int])
    """Offset of each record whose checksums are all valid, by key (16 bytes); the last one of equal keys."""
    damages: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])
    end: int = 0
    """The byte after the last whole record."""
    flushed: int = 0
    """The byte after the last whole record that ends a flush."""
    running: int = 0
    """The checksum over the headers of all whole records."""


def walk(data: mmap.mmap, start: int) -> Walk:
    """Find the rows of a journal from a byte on, without reading their payloads."""
    offsets: dict[bytes, int] = {}
    waiting: dict[bytes, int] = {}
    size, at, whole, last = len(data), start, start, start
    release_at = start + RELEASED_BYTES
    while (header := header_at(data, at)) is not None:
        key, ends_flush, request_bytes, result_bytes, _ = header
        end = at + HEADER.size + request_bytes + result_bytes
        if end > size:
            break
        waiting[key] = last = at
        if ends_flush:
            offsets.update(waiting)
            waiting.clear()
            whole = end
        at = end
        if at >= release_at:
            release(data)
            release_at = at + RELEASED_BYTES
    return Walk(offsets, whole, last)


def examine(data: mmap.mmap, stop: int) -> Examined:
    """Every whole record before the byte `stop`, and every stretch that belongs to none."""
    found = Examined()
    at = 0
    release_at = RELEASED_BYTES
    while at < stop:
        record = record_at(data, at)
        if record is not None and at + len(record) <= stop:
            header = HEADER.unpack_from(record)
            found.offsets[header[1]] = at
            found.running = zlib.crc32(record[: HEADER.size], found.running)
            at = found.end = at + len(record)
            if header[2]:
                found.flushed = at
        else:
            following = next_header(data, at + 1)
            after = stop if following is None else min(following, stop)
            found.damages.append((at, _described(data, at, after, stop)))
            at = after
        if at >= release_at:
            release(data)
            release_at = at + RELEASED_BYTES
    return found


def _described(data: mmap.mmap, at: int, after: int, stop: int) -> str:
    header = header_at(data, at)
    if header is None:
        return f"the {after - at} bytes up to byte {after} are not a complete record"
    key, _, request_bytes, result_bytes, _ = header
    if at + HEADER.size + request_bytes + result_bytes > stop:
        return f"row {key.hex()} ends too early, at byte {after}"
    return f"row {key.hex()} is not what its checksum says"
