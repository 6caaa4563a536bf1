"""The row store: every expensive row under the content of its request, so that it is never asked for twice.

The store lies at $JZ3_STORE (else in the user's cache directory), one directory an operation, such as
`generate@1/`. Several processes and machines may write and read at once. A damaged record is noticed by its
checksum, named in the log with file and byte, and counts as not there: its row alone is computed again.

Costs: a look-up reads the rows found and an index (24 bytes a row of segments; the headers of journals).
"""

import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.hashing import canonical_json, content_id
from jz3.store.records import Row, decode_row
from jz3.store.segment import JOURNAL, SEGMENT, RowFile
from jz3.store.writer import RowWriter


@dataclass(frozen=True)
class Operation:
    """A kind of work. A new version where the same request may have another result or its payload changed."""

    name: str
    version: int


def request_key(operation: Operation, request: Mapping[str, Any]) -> str:
    """32 hex digits, by the operation and everything in the request."""
    return content_id(operation.name, str(operation.version), canonical_json(request))


def open_store() -> "RowStore":
    """The store at $JZ3_STORE, by default in the user's cache directory: shared by all clones of a user."""
    named = os.environ.get("JZ3_STORE")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return RowStore((Path(named) if named else cache / "jz3").absolute())


class RowStore:
    """Rows under one root directory, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[Path, RowFile] = {}

    def known(self, operation: Operation, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """Key to result, for those keys whose row is here and undamaged."""
        missing = set(keys)
        found: dict[str, dict[str, Any]] = {}
        for file in self._files(operation):
            if not missing:
                break
            results = file.results(missing)
            found.update(results)
            missing -= results.keys()
        return found

    def rows(self, operation: Operation) -> Iterator[Row]:
        """Every undamaged row of an operation with its request, each key once."""
        seen: set[str] = set()
        for file in self._files(operation):
            for key, record in file.records([key for key in file.keys() if key not in seen]):  # noqa: SIM118
                seen.add(key)
                yield decode_row(record)

    @contextmanager
    def writer(self, operation: Operation) -> Generator[RowWriter]:
        """A journal of its own; what was not committed or flushed when the block ends is not kept."""
        writer = RowWriter(self._directory(operation))
        try:
            yield writer
        finally:
            writer.close()

    def _directory(self, operation: Operation) -> Path:
        return self.root / f"{operation.name}@{operation.version}"

    def _files(self, operation: Operation) -> list[RowFile]:
        """Segments before journals: they are the cheaper ones to search."""
        directory = self._directory(operation)
        while True:
            try:
                return [
                    self._file(path) for ending in (SEGMENT, JOURNAL) for path in _sorted(directory, ending)
                ]
            except FileNotFoundError:
                continue  # a journal was sealed after it was listed: its segment is there now

    def _file(self, path: Path) -> RowFile:
        file = self._open.get(path)
        if file is None or file.size != path.stat().st_size:
            file = self._open[path] = RowFile(path)
        return file


def _sorted(directory: Path, ending: str) -> list[Path]:
    return sorted(directory.glob(f"*{ending}"))
