"""Claims on rows that are being paid for: of two processes that want the same row, one asks for it.

A claim is a lock on one byte of a file, at a place that the row's key says. The operating system gives it
back when the process ends, however it ends; across machines it holds where the file system's locks do.
A claim is good for this process alone: threads of one process are not kept apart. Costs two system calls.
"""

import fcntl
import os
from pathlib import Path

LOCK = "claims.lock"
PLACES = 1 << 62
"""Places of a lock are signed 64-bit numbers."""


class Claims:
    """The claims of one process on rows of one operation."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._file = (directory / LOCK).open("ab")

    def take(self, key: str) -> bool:
        """Whether the row is now ours to ask for; False where another process is at it."""
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key), os.SEEK_SET)
        except (BlockingIOError, PermissionError):  # which of the two is left to the system
            return False
        return True

    def give_back(self, key: str) -> None:
        """Once the row is in the store, or will not be."""
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(key), os.SEEK_SET)

    def close(self) -> None:
        """Gives back every claim."""
        self._file.close()


def _place(key: str) -> int:
    return int(key, 16) % PLACES
