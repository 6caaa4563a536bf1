"""How a row lies in a file of the store.

A record is a header and a payload: the canonical JSON of the request, then that of the result. The header
has the row's key, the lengths, a checksum of the payload and one of itself; so a damaged payload costs its
own row, and after a damaged header the reader looks for the next header that holds. The last record of each
flush is marked: rows after the last mark were never whole (the writer was killed) and are not there.

Walking a file touches its headers alone, about a microsecond a row; payloads are checked when they are read.
"""

import json
import logging
import mmap
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.hashing import canonical_json

log = logging.getLogger(__name__)

MAGIC = b"\xaajz3"
HEADER = struct.Struct("<4s16sBIIII")
"""Magic, key, whether it ends a flush, bytes of request and of result, checksums of payload and header."""
CHECKSUM = struct.Struct("<I")
RELEASED_BYTES = 4_000_000
"""Walked between two releases of the mapped pages (chosen)."""


@dataclass(frozen=True)
class Row:
    """What the store keeps of one piece of work."""

    key: str
    request: dict[str, Any]
    result: dict[str, Any]


@dataclass(frozen=True)
class Walk:
    """The whole rows of a file: key (16 bytes) to the offset of its record; the last one of equal keys."""

    offsets: dict[bytes, int]
    end: int
    """The byte behind the last whole flush: a journal that has grown is walked on from here."""


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Lone surrogates, which models do write, pass through."""
    return canonical_json(value).encode("utf-8", "surrogatepass")


def encode_rows(rows: Sequence[tuple[bytes, bytes, bytes]]) -> bytes:
    """Records of (key, request, result), the last of them marked as the end of a flush."""
    last = len(rows) - 1
    return b"".join(_record(*row, ends_flush=place == last) for place, row in enumerate(rows))


def _record(key: bytes, request: bytes, result: bytes, *, ends_flush: bool) -> bytes:
    checksum = zlib.crc32(result, zlib.crc32(request))
    header = HEADER.pack(MAGIC, key, ends_flush, len(request), len(result), checksum, 0)[: -CHECKSUM.size]
    return b"".join((header, CHECKSUM.pack(zlib.crc32(header)), request, result))


def release(data: mmap.mmap) -> None:
    """Give mapped pages back, which count as memory of ours; the operating system keeps them cached."""
    if hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)


def walk(data: mmap.mmap, file: Path, start: int = 0, *, sealed: bool = False) -> Walk:
    """Find the rows of a journal. A torn tail is normal and silent; damage before the end is logged.

    In a sealed file every row is whole: the marks of flushes that were merged say nothing there.
    """
    offsets: dict[bytes, int] = {}
    waiting: dict[bytes, int] = {}
    size, at, whole = len(data), start, start
    release_at = start + RELEASED_BYTES
    while at + HEADER.size <= size:
        header = _header(data, at)
        if header is None:
            following = _next_header(data, at + 1)
            if following is None:
                break
            log.warning("%s is damaged at byte %d; its rows up to byte %d are lost", file, at, following)
            at = following
            continue
        key, ends_flush, request_bytes, result_bytes, _ = header
        end = at + HEADER.size + request_bytes + result_bytes
        if end > size:
            break
        waiting[key] = at
        if ends_flush or sealed:
            offsets.update(waiting)
            waiting.clear()
            whole = end
        at = end
        if at >= release_at:
            release(data)
            release_at = at + RELEASED_BYTES
    return Walk(offsets, whole)


def record_bytes(data: mmap.mmap, offset: int, key: bytes, file: Path) -> bytes | None:
    """The record at `offset`, or None (and a line that names it) where it is not that key's or is damaged."""
    header = _header(data, offset)
    if header is not None and header[0] == key:
        end = offset + HEADER.size + header[2] + header[3]
        record = data[offset:end]
        if zlib.crc32(memoryview(record)[HEADER.size :]) == header[4] and len(record) == end - offset:
            return record
    log.warning("%s is damaged at byte %d; row %s will be computed again", file, offset, key.hex())
    return None


def decode_result(record: bytes) -> dict[str, Any]:
    """The result alone: look-ups need no request."""
    request_bytes = HEADER.unpack_from(record)[3]
    return parsed(record[HEADER.size + request_bytes :])


def decode_row(record: bytes) -> Row:
    _, key, _, request_bytes, _, _, _ = HEADER.unpack_from(record)
    middle = HEADER.size + request_bytes
    return Row(key.hex(), parsed(record[HEADER.size : middle]), parsed(record[middle:]))


def parsed(payload: bytes) -> dict[str, Any]:
    """What `json_bytes` encoded."""
    return json.loads(payload.decode("utf-8", "surrogatepass"))


def _header(data: mmap.mmap, at: int) -> tuple[bytes, bool, int, int, int] | None:
    raw = data[at : at + HEADER.size]
    if len(raw) < HEADER.size or raw[:4] != MAGIC:
        return None
    _, key, ends_flush, request_bytes, result_bytes, payload_checksum, checksum = HEADER.unpack(raw)
    if zlib.crc32(raw[: -CHECKSUM.size]) != checksum:
        return None
    return key, bool(ends_flush), request_bytes, result_bytes, payload_checksum


def _next_header(data: mmap.mmap, start: int) -> int | None:
    at = data.find(MAGIC, start)
    while at >= 0:
        if _header(data, at) is not None:
            return at
        at = data.find(MAGIC, at + 1)
    return None
