"""Cache the digests of large files by size and time of change, so that unchanged files are not read again."""

import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from jz3.core.cache import cache_root
from jz3.core.hashing import canonical_json, content_id

SETTLED_NS = 2_000_000_000
"""Nanoseconds within which a file may change twice with the same time stamp (chosen: the coarsest clock of a
common file system, FAT's).
"""


def kept_digest(files: Sequence[Path], digest: Callable[[], str]) -> str:
    """The result of `digest`: 32 hex digits. It is called only if no note exists for files with these paths,
    sizes and times.
    """
    stats = [file.stat() for file in files]
    stamps = {
        str(file.absolute()): [stat.st_size, stat.st_mtime_ns]
        for file, stat in zip(files, stats, strict=True)
    }
    note = cache_root() / "digests" / content_id(canonical_json(stamps))
    kept = note.read_text() if note.exists() else ""
    if re.fullmatch("[0-9a-f]{32}", kept):
        return kept
    found = digest()
    if time.time_ns() - max(stat.st_mtime_ns for stat in stats) > SETTLED_NS:
        note.parent.mkdir(parents=True, exist_ok=True)
        part = note.with_name(f"{note.name}.{os.getpid()}")
        part.write_text(found)
        part.replace(note)
    return found
