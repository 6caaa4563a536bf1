"""Claims on rows that are being paid for: if two processes want the same row, only one asks for it.

A claim is a lock on one byte of a file, at an offset derived from the row's key. The operating system
releases it when the process ends, in whatever way; it works across machines if the file system's locks do.
Claims separate processes, not threads of one process. Each costs two system calls.
"""

import fcntl
import os
from pathlib import Path

LOCK = "claims.lock"
PLACES = 1 << 62
"""Number of byte offsets: offsets of locks are signed 64-bit numbers."""


class Claims:
    """The claims of one process on rows of one operation."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / LOCK).open("ab")

    def take(self, key: str) -> bool:
        """Claim a row; False if another process has claimed it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key), os.SEEK_SET)
        except (BlockingIOError, PermissionError):  # which of the two is raised depends on the system
            return False
        return True

    def give_back(self, key: str) -> None:
        """Release a row, once it is in the store or will not be."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key), os.SEEK_SET)

    def close(self) -> None:
        """Release every claim."""
        self._file.close()


def _place(key: str) -> int:
    return int(key, 16) % PLACES
