"""Few files in place of many: journals that no writer holds any more, and small segments, become segments.

Promises: a row that could be read before can be read after, at every moment, by readers that are open, too;
a kill at any moment loses nothing (a segment is whole before what it holds is deleted); a damaged file is
left as it is. One process compacts at a time; writers go on meanwhile. Costs reading what is merged twice
and writing it once.
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
    """Whether no other process merges files of the directory meanwhile."""
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
    """Whether nothing is lost with a file, whose lock is ours, once its rows are in another."""
    if path.stat().st_size == 0 and path.suffix == JOURNAL and closed_state(path) is None:
        return True  # begun, and never written
    file = Bytes(path)
    file.read()
    _, damages = file.examined(is_final=True)
    for damage in damages:
        log.warning("%s; the file is left as it is, `jz3 store mend` takes its whole rows out", damage)
    return not damages


def is_left(path: Path, held: ExitStack) -> bool:
    """Whether no writer holds a journal; its lock is ours until the end."""
    if path.suffix == SEGMENT:
        return True
    try:
        journal = held.enter_context(path.open("rb+"))  # NFS locks for writing alone what is open for it
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
