"""Few files in place of many: journals that no writer holds any more, and small segments, become segments.

Promises: a row that could be read before can be read after, at every moment, by readers that are open, too;
a kill at any moment loses nothing (a segment is whole before what it holds is deleted). One process compacts
at a time; writers go on meanwhile. Costs reading and writing what is merged, once.
"""

import fcntl
import uuid
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jz3.store import segment as files
from jz3.store.segment import JOURNAL, SEGMENT, paths_of, seal

LOOSE_FILES = 32
"""So many journals without a writer are merged before the next writer begins (chosen: a run leaves one)."""
LOCK = "compaction.lock"


@dataclass(frozen=True)
class Compacted:
    """Files that were merged, and into how many."""

    merged: int
    into: int


def compact_loose(directory: Path) -> None:
    """Compact where many journals have gathered and nobody else compacts."""
    if sum(1 for _ in directory.glob(f"*{JOURNAL}")) > LOOSE_FILES:
        compact(directory)


def compact(directory: Path) -> Compacted:
    """Merge what is small; gives nothing merged where another process is at it."""
    if not directory.is_dir():
        return Compacted(0, 0)
    with _alone(directory) as alone, ExitStack() as held:
        if not alone:
            return Compacted(0, 0)
        small = [path for path in paths_of(directory) if _is_small(path) and _is_left(path, held)]
        groups = [group for group in _groups(small) if len(group) > 1 or group[0].suffix == JOURNAL]
        for group in groups:
            seal(group, directory / f"{uuid.uuid4().hex}{SEGMENT}")
        return Compacted(sum(map(len, groups)), len(groups))


@contextmanager
def _alone(directory: Path) -> Generator[bool]:
    with (directory / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def _is_small(path: Path) -> bool:
    return path.suffix == JOURNAL or path.stat().st_size < files.SEGMENT_BYTES / 2


def _is_left(path: Path, held: ExitStack) -> bool:
    """Whether no writer holds a journal; its lock is ours until the end."""
    if path.suffix == SEGMENT:
        return True
    try:
        journal = held.enter_context(path.open("rb"))
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (FileNotFoundError, BlockingIOError):
        return False
    return path.exists()  # else its writer sealed it before the lock was ours


def _groups(paths: list[Path]) -> Iterator[list[Path]]:
    """Neighbours that together make a segment of about SEGMENT_BYTES."""
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
