"""Few files in place of many: journals without a writer and small segments are merged into segments.

Promises: a row that could be read before can be read at every moment, also by readers that have files open; a
kill at any moment loses nothing, because a segment is complete before its sources are deleted; a damaged file
is left as it is. One process compacts at a time, and writers continue meanwhile. Costs reading what is merged
twice and writing it once.
"""

import fcntl
import logging
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jz3.store import segment as files
from jz3.store.examining import JOURNAL, SEGMENT, Bytes, closed_state
from jz3.store.sealing import seal
from jz3.store.segment import paths_of

log = logging.getLogger(__name__)

LOOSE_FILES = 32
"""A new writer merges journals without a writer if there are this many (chosen: a run leaves one)."""
LOCK = "compaction.lock"


@dataclass(frozen=True)
class Compacted:
    """How many files were merged, and into how many."""

    merged: int
    into: int


def compact_loose(directory: Path) -> None:
    """Compact if many journals have gathered and no other process compacts."""
    if sum(1 for _ in directory.glob(f"*{JOURNAL}")) > LOOSE_FILES:
        compact(directory)


def compact(directory: Path) -> Compacted:
    """Merge small files; does nothing if another process is compacting."""
    if not directory.is_dir():
        return Compacted(0, 0)
    with alone_in(directory) as alone, ExitStack() as held:
        if not alone:
            return Compacted(0, 0)
        small = [
            path
            for path in paths_of(directory)
            if _is_small(path) and is_left(path, held) and _is_whole(path)
        ]
        groups = [group for group in _groups(small) if len(group) > 1 or group[0].suffix == JOURNAL]
        for group in groups:
            seal(group, directory / f"{uuid.uuid4().hex}{SEGMENT}")
        return Compacted(sum(map(len, groups)), len(groups))


@contextmanager
def alone_in(directory: Path) -> Generator[bool]:
    """Keep other processes from merging files of the directory; False if one does so already."""
    with (directory / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _is_small(path: Path) -> bool:
    return path.suffix == JOURNAL or path.stat().st_size < files.SEGMENT_BYTES / 2


def _is_whole(path: Path) -> bool:
    """Whether a file, whose lock we hold, can be deleted without loss once its rows are in another."""
    if path.stat().st_size == 0 and path.suffix == JOURNAL and closed_state(path) is None:
        return True  # created but never written to
    file = Bytes(path)
    file.read()
    _, damages = file.examined(is_final=True)
    for damage in damages:
        log.warning("%s; the file is left as it is; `jz3 store mend` saves its intact rows", damage)
    return not damages


def is_left(path: Path, held: ExitStack) -> bool:
    """Whether no writer holds a journal; if so, `held` keeps the lock on it."""
    if path.suffix == SEGMENT:
        return True
    try:
        journal = held.enter_context(path.open("rb+"))  # NFS locks exclusively only what is open for writing
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return path.exists()  # if not, its writer sealed it before we had the lock


def _groups(paths: list[Path]) -> Iterator[list[Path]]:
    """Groups of neighbours that together make a segment of about SEGMENT_BYTES."""
    group: list[Path] = []
    size = 0
    for path in paths:
        group.append(path)
        size += path.stat().st_size
        if size >= files.SEGMENT_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group
