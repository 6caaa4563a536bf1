"""The format of a row in a file of the store.

A record is a header and a payload: the canonical JSON of the request, then that of the result. The header has
the row's key, the lengths, a checksum of the payload and one of itself. So a damaged payload costs only its
own row, and after a damaged header the reader searches for the next valid header. JSON cannot contain a whole
header, because the header's magic has a control character, which JSON escapes. The last record of each flush
is marked, so that a reader takes only whole flushes while a writer is at work.
"""

import json
import mmap
import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jz3.core.hashing import canonical_json

MAGIC = b"\xaajz3"
HEADER = struct.Struct("<4s16sBIIII")
"""Magic, key, whether it ends a flush, bytes of request and of result, checksums of payload and header."""
CHECKSUM = struct.Struct("<I")

Header = tuple[bytes, bool, int, int, int]
"""Key, whether it ends a flush, bytes of request and of result, checksum of both."""


@dataclass(frozen=True)
class Row:
    """What the store keeps of a request: its key, the request and the result."""

    key: str
    request: dict[str, Any]
    result: dict[str, Any]


def json_bytes(value: Mapping[str, Any]) -> bytes:
    """Canonical JSON as UTF-8; lone surrogates, which models do write, are kept."""
    return canonical_json(value).encode("utf-8", "surrogatepass")


def encode_rows(rows: Sequence[tuple[bytes, bytes, bytes]], running: int) -> tuple[bytes, int]:
    """Records of (key, request, result), the last of them marked as the end of a flush, and a checksum.

    The checksum covers all headers so far; `running` is that of the flushes before.
    """
    last = len(rows) - 1
    parts: list[bytes] = []
    for place, (key, request, result) in enumerate(rows):
        header = encoded_header(key, request, result, ends_flush=place == last)
        running = zlib.crc32(header, running)
        parts += (header, request, result)
    return b"".join(parts), running


def encoded_header(key: bytes, request: bytes, result: bytes, *, ends_flush: bool) -> bytes:
    checksum = zlib.crc32(result, zlib.crc32(request))
    header = HEADER.pack(MAGIC, key, ends_flush, len(request), len(result), checksum, 0)[: -CHECKSUM.size]
    return header + CHECKSUM.pack(zlib.crc32(header))


def marked(record: bytes) -> bytes:
    """The record, marked as the last of a flush."""
    _, key, _, request_bytes, *_ = HEADER.unpack_from(record)
    middle = HEADER.size + request_bytes
    request, result = record[HEADER.size : middle], record[middle:]
    return encoded_header(key, request, result, ends_flush=True) + request + result


def release(data: mmap.mmap) -> None:
    """Release mapped pages, which count as memory of the process; the operating system keeps them cached."""
    if hasattr(mmap, "MADV_DONTNEED"):
        data.madvise(mmap.MADV_DONTNEED)


def header_at(data: mmap.mmap, at: int) -> Header | None:
    """The header at a byte, or None if there is no valid one."""
    raw = data[at : at + HEADER.size]
    if len(raw) < HEADER.size or raw[:4] != MAGIC:
        return None
    _, key, ends_flush, request_bytes, result_bytes, payload_checksum, checksum = HEADER.unpack(raw)
    if zlib.crc32(raw[: -CHECKSUM.size]) != checksum or ends_flush > 1:
        return None
    return key, bool(ends_flush), request_bytes, result_bytes, payload_checksum


def next_header(data: mmap.mmap, start: int) -> int | None:
    """The first byte from `start` on with a valid header."""
    at = data.find(MAGIC, start)
    while at >= 0:
        if header_at(data, at) is not None:
            return at
        at = data.find(MAGIC, at + 1)
    return None


def record_at(data: mmap.mmap, at: int, key: bytes | None = None) -> bytes | None:
    """The record at a byte, or None if it is damaged or not that key's."""
    header = header_at(data, at)
    if header is None or (key is not None and header[0] != key):
        return None
    end = at + HEADER.size + header[2] + header[3]
    record = data[at:end]
    if zlib.crc32(memoryview(record)[HEADER.size :]) != header[4] or len(record) != end - at:
        return None
    return record


def decode_result(record: bytes) -> dict[str, Any]:
    """The result of a record; the request is not parsed, because look-ups do not need it."""
    request_bytes = HEADER.unpack_from(record)[3]
    return parsed(record[HEADER.size + request_bytes :])


def decode_row(record: bytes) -> Row:
    _, key, _, request_bytes, _, _, _ = HEADER.unpack_from(record)
    middle = HEADER.size + request_bytes
    return Row(key.hex(), parsed(record[HEADER.size : middle]), parsed(record[middle:]))


def request_of(record: bytes) -> bytes:
    """The request of a record, as canonical JSON."""
    return record[HEADER.size : HEADER.size + HEADER.unpack_from(record)[3]]


def parsed(payload: bytes) -> dict[str, Any]:
    """The object that `json_bytes` encoded."""
    return json.loads(payload.decode("utf-8", "surrogatepass"))
