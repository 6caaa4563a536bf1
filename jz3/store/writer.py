"""A writer of the store: it has its own journal, so that any number of processes write at once.

`flush` passes the rows appended since the last one to the operating system: they survive kill -9. (A kill
during the write itself, some microseconds per row, leaves the rows that were complete by then.) `commit` is a
flush that survives a power cut, too. A journal that has grown to SEGMENT_BYTES is sealed and a new one begun;
the name of a closed journal says what is in it. A writer holds a lock on its journal while it lives, so that
compaction leaves it alone and readers know that rows may follow. Costs about 20 microseconds per row of 3 kB
and an fsync per commit.
"""

import fcntl
import os
import uuid
from collections.abc import Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from jz3.store.examining import JOURNAL, Closed, closed_name
from jz3.store.records import encode_rows, json_bytes
from jz3.store.segment import SEGMENT_BYTES, seal_in_place, sync_directory
from jz3.store.trouble import store_error


class RowWriter:
    """Appends rows of one operation; not thread-safe. Raises StoreError if the store cannot be written."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._waiting: list[tuple[bytes, bytes, bytes]] = []
        self._path: Path | None = None
        self._file: FileIO | None = None
        self._size = self._running = 0
        """Bytes of the journal's flushes, and the checksum over their headers."""

    def append(self, key: str, request: Mapping[str, Any], result: Mapping[str, Any]) -> bytes:
        """Keep a row for the next flush or commit; return the result as it will be in the store."""
        payload = json_bytes(result)
        self._waiting.append((bytes.fromhex(key), json_bytes(request), payload))
        return payload

    def flush(self) -> None:
        """Pass the waiting rows to the operating system: they survive this process."""
        if not self._waiting:
            return
        try:
            file = self._journal()
            records, running = encode_rows(self._waiting, self._running)
            _write_whole(file, records, self._size)
        except OSError as error:
            raise store_error(self._directory.parent, error) from error
        self._size += len(records)
        self._running = running
        self._waiting.clear()

    def commit(self) -> None:
        """Write the waiting rows to disk."""
        self.flush()
        if self._file is None or self._path is None:
            return
        try:
            os.fsync(self._file.fileno())
            if self._size >= SEGMENT_BYTES:
                seal_in_place(self._path)
                self._leave()
        except OSError as error:
            raise store_error(self._directory.parent, error) from error

    def close(self) -> None:
        """Close the journal. Waiting rows are not written: a batch is kept whole or not at all."""
        self._waiting.clear()
        if self._file is None or self._path is None:
            return
        try:
            name = closed_name(self._path.stem, Closed(self._size, self._running))
            self._path.rename(self._path.with_name(name))
        except OSError as error:
            raise store_error(self._directory.parent, error) from error
        finally:
            self._leave()

    def _leave(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self._path = None
        self._size = self._running = 0

    def _journal(self) -> FileIO:
        """The journal, created with the first row under a name that no other writer has, on any machine."""
        while self._file is None:
            self._directory.mkdir(parents=True, exist_ok=True)
            path = self._directory / f"{uuid.uuid4().hex}{JOURNAL}"
            file = FileIO(path, "xb")
            fcntl.flock(file, fcntl.LOCK_EX)
            if not path.exists():  # compaction took it for a journal without a writer before we had the lock
                file.close()
                continue
            self._path, self._file = path, file
            sync_directory(self._directory)
        return self._file


def _write_whole(file: FileIO, records: bytes, size: int) -> None:
    """Append all of the records to the file's first `size` bytes, or none: a partial record would precede the
    next flush.
    """
    rest = memoryview(records)
    try:
        while rest:
            rest = rest[file.write(rest) :]
    except BaseException:
        os.ftruncate(file.fileno(), size)
        os.lseek(file.fileno(), size, os.SEEK_SET)
        raise
