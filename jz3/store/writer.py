"""A writer of the store: a journal of its own, so that any number of processes write at once.

`flush` puts the rows appended since the last one into the file as one unit: after kill -9 all of them are
there or none. `commit` is a flush that also outlives a power cut. A journal that has grown to
SEGMENT_BYTES is sealed and a new one begun. A writer holds a lock on its journal while it lives, so that
compaction leaves it alone. Costs about 20 microseconds a row of 3 kB, an fsync a commit.
"""

import fcntl
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from jz3.store.records import encode_rows, json_bytes
from jz3.store.segment import JOURNAL, SEGMENT_BYTES, seal_in_place, sync_directory


class RowWriter:
    """Appends rows of one operation. Not for two threads at once."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting: list[tuple[bytes, bytes, bytes]] = []
        self._path: Path | None = None
        self._file: BinaryIO | None = None

    def append(self, key: str, request: Mapping[str, Any], result: Mapping[str, Any]) -> bytes:
        """Keep a row for the next flush or commit. Gives the result as it will lie in the store."""
        payload = json_bytes(result)
        self._waiting.append((bytes.fromhex(key), json_bytes(request), payload))
        return payload

    def flush(self) -> None:
        """Hand the waiting rows to the operating system, all or none: they outlive this process."""
        if not self._waiting:
            return
        file = self._journal()
        file.write(encode_rows(self._waiting))
        file.flush()
        self._waiting.clear()

    def commit(self) -> None:
        """Put the waiting rows on the disk, all or none."""
        self.flush()
        if self._file is None or self._path is None:
            return
        os.fsync(self._file.fileno())
        if self._file.tell() >= SEGMENT_BYTES:
            seal_in_place(self._path)
            self._file.close()
            self._file = self._path = None

    def close(self) -> None:
        """Rows that wait are not written: a batch is whole or not there."""
        self._waiting.clear()
        if self._file is not None:
            self._file.close()

    def _journal(self) -> BinaryIO:
        """Begun with the first row, under a name that no other writer has, on any machine."""
        while self._file is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            path = self._directory / f"{uuid.uuid4().hex}{JOURNAL}"
            file = path.open("xb")
            fcntl.flock(file, fcntl.LOCK_EX)
            if not path.exists():  # compaction took it for a journal that was left, before the lock was ours
                file.close()
                continue
            self._path, self._file = path, file
            sync_directory(self._directory)
        return self._file
