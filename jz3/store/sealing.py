"""Segments written from whole records: from files that are merged, or rows that are pulled."""

from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from jz3.store.segment import RowFile, sync_directory, write_index


class Sealing:
    """A segment that is being written: it appears under its name when ended, and otherwise not at all."""

    def __init__(self, segment: Path) -> None:
        self._segment = segment
        self._part = segment.with_suffix(".part")
        self._offsets: dict[bytes, int] = {}
        self._file: BinaryIO = self._part.open("wb")

    def __enter__(self) -> "Sealing":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._part.unlink(missing_ok=True)

    def __contains__(self, key: str) -> bool:
        return bytes.fromhex(key) in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    @property
    def size(self) -> int:
        """Bytes of the records so far."""
        return self._file.tell()

    def add(self, key: str, record: bytes) -> None:
        """Append a whole record."""
        self._offsets[bytes.fromhex(key)] = self._file.tell()
        self._file.write(record)

    def end(self) -> None:
        """Write index and trailer, fsync, and give the file its name."""
        write_index(self._file, self._offsets)
        self._part.replace(self._segment)
        sync_directory(self._segment.parent)


def seal(sources: Sequence[Path], segment: Path) -> None:
    """Make one segment of closed journals and segments, then delete them.

    For equal keys the first file's row is kept. A source in which a row proved damaged is not deleted.
    """
    whole: list[Path] = []
    with Sealing(segment) as sealing:
        for source in map(RowFile, sources):
            new = [key for key in source.keys() if key not in sealing]  # noqa: SIM118 (no dict)
            before = len(sealing)
            for key, record in source.records(new):
                sealing.add(key, record)
            if len(sealing) - before == len(new):
                whole.append(source.path)
        sealing.end()
    for source in whole:
        if source != segment:
            source.unlink()
