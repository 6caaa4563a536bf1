"""The row store: every expensive row by the content of its request, so that it is never asked for twice.

The store is at $JZ3_STORE (by default in the user's cache directory), with a directory per operation, such as
`generate@1/`. Several processes and machines may write and read at once. A checksum reveals a damaged record;
the log names its file and byte, and it counts as missing, so that only its row is computed again. Raises
StoreError if the operating system refuses access to the store.

Costs: a look-up reads the rows found and an index (24 bytes per row of segments; the headers of journals).
"""

# Why this is our own. Not for speed: with 60,000 rows of 3.5 kB (measured, CPU per row, write + read) it
# takes 12.4 + 6.6 us, lmdb 12.5 + 5.3, sqlite 22.3 + 9.7. But each record has a checksum, so that a flipped
# byte costs one row and never gives a wrong one; several machines write at once over NFS, where neither of
# the two may be used; and files that never change are pushed and pulled through any file system of fsspec.

import fcntl
import re
import time
from collections.abc import Callable, Container, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from jz3.core.cache import cache_root
from jz3.core.hashing import canonical_json, content_id
from jz3.store.claims import Claims
from jz3.store.compaction import Compacted, compact, compact_loose
from jz3.store.examining import JOURNAL
from jz3.store.index import places_of
from jz3.store.mending import Mended, damages_of, mend
from jz3.store.records import Row, decode_result, decode_row
from jz3.store.segment import RowFile, paths_of
from jz3.store.trouble import must_have_moved, store_error
from jz3.store.walking import Damage
from jz3.store.writer import RowWriter


@dataclass(frozen=True)
class Operation:
    """A kind of work. It needs a new version if equal requests may have other results or its payload
    changes.
    """

    name: str
    version: int


def request_key(operation: Operation, request: Mapping[str, Any]) -> str:
    """The key of a request: 32 hex digits, from the operation and everything in the request."""
    return key_of_text(operation, canonical_json(request))


def key_of_text(operation: Operation, request: str) -> str:
    """The key of a request that is canonical JSON already."""
    return content_id(operation.name, str(operation.version), request)


def open_store() -> "RowStore":
    """The store at $JZ3_STORE, by default in the user's cache directory: shared by all clones of a user."""
    return RowStore(cache_root())


OPERATION = re.compile(r"([a-z][a-z0-9_-]*)@([1-9][0-9]*)")
"""The name of an operation's directory: the operation's name and version."""

Done = TypeVar("Done")

CLOCK_NS = 100_000_000
"""Nanoseconds within which two changes of a directory may leave the same time stamp (kernels count in
ticks).
"""


ALONE = "alone.lock"


class Follower:
    """Rows of an operation, each key once: first those that are here, then new ones as they arrive."""

    def __init__(self, files: Callable[[], list[RowFile]], wanted: Container[str] | None) -> None:
        self._files, self._wanted = files, wanted
        self._seen: set[str] = set()
        self._read: dict[Path, int] = {}
        """How many keys of each file have been looked at."""

    def new(self) -> list[Row]:
        """Rows that arrived since the last call. Costs a look at each file's size, and reading what is
        new.
        """
        rows: list[Row] = []
        for file in self._files():
            keys = [key for key in file.later_keys(self._read.get(file.path, 0)) if self._is_new(key)]
            self._read[file.path] = file.count
            for key, record in file.records(keys):  # one that is damaged here may be whole in another
                self._seen.add(key)
                rows.append(decode_row(record))
        return rows

    def _is_new(self, key: str) -> bool:
        return key not in self._seen and (self._wanted is None or key in self._wanted)


@dataclass(frozen=True)
class Listing:
    """The files of a directory, and the time of its last change when they were listed."""

    paths: list[Path]
    changed_ns: int
    may_be_stale: bool


class RowStore:
    """Rows under one root directory, which need not exist yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._open: dict[Path, RowFile] = {}
        self._listings: dict[Path, Listing] = {}

    def known(self, operation: Operation, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The result by key, for those keys whose row is here and undamaged."""
        missing = set(keys)
        found: dict[str, dict[str, Any]] = {}
        for file in self.files(self._directory(operation)):
            if not missing:
                break
            results = file.results(missing)
            found.update(results)
            missing -= results.keys()
        return found

    def sweep(self, operation: Operation, keys: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
        """Position in `keys` (which are all different) and result of those rows that are here and undamaged.

        Use it if the results do not fit into memory: every file is read once, in its order.
        """
        wanted = places_of(keys)
        found = np.zeros(len(keys), dtype=bool)
        for file in self.files(self._directory(operation)):
            here = wanted.find([bytes.fromhex(key) for key in file.keys()])  # noqa: SIM118 (no dict)
            places = {key.hex(): place for key, place in here if not found[place]}
            for key, record in file.records(places):
                found[places[key]] = True
                yield places[key], decode_result(record)

    def rows(self, operation: Operation) -> Iterator[Row]:
        """Every undamaged row of an operation with its request, each key once."""
        seen: set[str] = set()
        for file in self.files(self._directory(operation)):
            for key, record in file.records([key for key in file.keys() if key not in seen]):  # noqa: SIM118
                seen.add(key)
                yield decode_row(record)

    @contextmanager
    def writer(self, operation: Operation) -> Generator[RowWriter]:
        """A writer with its own journal; rows not committed or flushed when the block ends are lost."""
        self._refused(lambda: compact_loose(self._directory(operation)))
        writer = RowWriter(self._directory(operation))
        try:
            yield writer
        finally:
            writer.close()

    @contextmanager
    def claims(self, operation: Operation) -> Generator[Claims]:
        """Claims on rows of an operation; all are released when the block ends."""
        claims = self._refused(lambda: Claims(self._directory(operation)))
        try:
            yield claims
        finally:
            claims.close()

    @contextmanager
    def alone(self, operation: Operation) -> Generator[None]:
        """Lets one process in at a time; the others wait without limit, so keep it short."""
        with self._refused(lambda: _locked(self._directory(operation) / ALONE)):
            yield

    def follow(self, operation: Operation, wanted: Container[str] | None = None) -> Follower:
        """Rows of an operation as they arrive from any process; only those with a wanted key, if given."""
        return Follower(lambda: self.files(self._directory(operation)), wanted)

    def compact(self) -> Compacted:
        """Merge journals without a writer and small segments, in every operation."""
        done = self._refused(lambda: [compact(directory) for directory in self.directories()])
        return Compacted(sum(part.merged for part in done), sum(part.into for part in done))

    def damages(self) -> list[Damage]:
        """Every damage, with file and byte. Reads every row."""
        return self._refused(lambda: [each for one in self.directories() for each in damages_of(one)])

    def mend(self) -> Mended:
        """Save the whole rows of damaged files, which are then renamed."""
        return self._refused(lambda: mend(self.directories()))

    def directories(self) -> list[Path]:
        """The directories of all operations that have rows here."""
        try:
            entries = sorted(self.root.iterdir())
            return [path for path in entries if OPERATION.fullmatch(path.name) and path.is_dir()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise store_error(self.root, error) from error

    def _directory(self, operation: Operation) -> Path:
        return self.root / f"{operation.name}@{operation.version}"

    def _refused(self, work: Callable[[], Done]) -> Done:
        """The result of work on files of the store; raises StoreError if the system refuses access."""
        try:
            return work()
        except OSError as error:
            raise store_error(self.root, error) from error

    def files(self, directory: Path) -> list[RowFile]:
        """The files of an operation's directory, open; segments first, because searching them is cheaper."""
        while True:
            try:
                return [self._file(path) for path in self._paths(directory)]
            except FileNotFoundError as error:
                must_have_moved(error)
                self._listings.clear()  # a journal was sealed after it was listed and is now a segment
            except OSError as error:
                raise store_error(self.root, error) from error

    def _paths(self, directory: Path) -> list[Path]:
        """The files of a directory, listed again only if it has changed."""
        try:
            changed_ns = directory.stat().st_mtime_ns
        except FileNotFoundError:
            return []
        listing = self._listings.get(directory)
        if listing is None or listing.changed_ns != changed_ns or listing.may_be_stale:
            listed_ns = time.time_ns()
            paths = paths_of(directory)
            self._open = {
                path: file for path, file in self._open.items() if path.parent != directory or path in paths
            }
            listing = self._listings[directory] = Listing(
                paths, changed_ns, may_be_stale=abs(listed_ns - changed_ns) < CLOCK_NS
            )
        return listing.paths

    def _file(self, path: Path) -> RowFile:
        file = self._open.get(path)
        if file is None:
            file = self._open[path] = RowFile(path)
        elif path.suffix == JOURNAL:
            file.refresh()
        return file


def _locked(path: Path) -> FileIO:
    """Open a file and lock it for this process until it is closed; waits for the lock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileIO(path, "ab")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock
