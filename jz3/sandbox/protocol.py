"""Messages between host and zygote: 4 bytes of length, then JSON. Both import this, so stdlib only."""

import json
import os
import struct
from dataclasses import dataclass
from typing import Any

HEADER = struct.Struct("<I")


@dataclass(frozen=True)
class WorkerConfig:
    """The configuration with which a zygote is started."""

    wall: str
    """`root` (namespaces by privilege), `user` (a user namespace first), `bwrap` (already inside one), or
    `none`.
    """
    landlock: bool
    readonly_paths: list[str]
    """Paths that a program may read: the Python installation and the system's libraries."""
    library_paths: list[str]
    """Folders of packages, in the order of the search path."""
    base: str
    """An empty folder of this worker: the root of its file system, if it has its own."""
    place: str
    """The folder in which programs start."""
    preload: list[str]
    uid: int
    """The user that programs run as, if the worker may change it."""
    wall_seconds: float
    cpu_seconds: int
    memory_bytes: int
    output_characters: int


@dataclass(frozen=True)
class Hello:
    """What a zygote reports before the first program."""

    landlock_abi: int
    scratch: str
    """`writable`: 16 MB for each program; `read-only`: programs cannot write anywhere."""
    uid: int | None
    """The user that programs run as, if it is this worker's own."""
    address_ranges: list[tuple[int, int]]
    """First and last + 1 of the addresses that programs may have; empty if all workers have the same."""


def pack(message: dict[str, Any]) -> bytes:
    """A message in the form in which it is sent."""
    body = json.dumps(message).encode()
    return HEADER.pack(len(body)) + body


def write_frame(fd: int, message: dict[str, Any]) -> None:
    """Write a whole message, waiting as long as necessary."""
    left = memoryview(pack(message))
    while left:
        left = left[os.write(fd, left) :]


def read_frame(fd: int) -> dict[str, Any] | None:
    """The next message; None if the other side has closed the channel."""
    header = _read_exactly(fd, HEADER.size)
    if header is None:
        return None
    (size,) = HEADER.unpack(header)
    body = _read_exactly(fd, size)
    return None if body is None else json.loads(body)


def _read_exactly(fd: int, size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(fd, min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)
