"""How outputs take their place: what jz3 did not make is neither removed nor overwritten.

Everything is written into a working folder beside its place, `.NAME.jz3-XXXX`, and then renamed. An output
replaces what is at its place only if jz3 made that; a link, a folder in place of a file and a file in place
of a folder are never ours. Two folders are exchanged in one step if the file system can do that (ext4, xfs,
btrfs, tmpfs); otherwise by two renames, and if a kill comes between them, the next run puts the old folder
back. A working folder left by a killed process is removed by the next process that writes to the same place;
the mark inside identifies it, and its lock, which the operating system has released, shows that it is unused.
"""

import ctypes
import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from jz3.core.ending import FULL
from jz3.core.errors import UserError

MANIFEST = "manifest.json"
MARK = "jz3-working-folder"
"""A file in each working folder, locked while it is in use."""
NEW, OLD = "new", "old"
PROBE_BYTES = 1 << 20
"""Bytes that a disk which is not full has room for (chosen)."""

Foreign = Callable[[Path], str | None]
"""Why jz3 did not make what is at a path, such as `has no manifest.json`; None if it did."""


class ArtifactError(UserError):
    """An artifact is missing, damaged, not what the stage's signature says, or not ours."""


@contextmanager
def placed_folder(path: Path, foreign: Foreign, whole: Callable[[Path], object]) -> Generator[Path]:
    """A folder to fill; it takes its place once the block has ended and `whole` has raised nothing.

    Raises ArtifactError before the block if something foreign is at the place. After the block the new folder
    stays beside the place, and the error says where, in two cases: something foreign has appeared meanwhile,
    or the old folder holds files that neither the new one has nor the old manifest names.
    """
    must_be_free(path, foreign, folder=True)
    with _working(path) as work:
        new = work / NEW
        new.mkdir()
        yield new
        whole(new)
        try:
            must_be_free(path, foreign, folder=True)
            _nothing_lost(path, new)
        except ArtifactError as error:
            aside = Path(tempfile.mkdtemp(prefix=f"{path.name}.new-", dir=path.parent))
            new.replace(aside)
            raise ArtifactError(f"{error} The new folder is complete and is now at {aside}.") from error
        with _said(path):
            _swap(new, path, work / OLD)


@contextmanager
def placed_file(path: Path, foreign: Foreign) -> Generator[Path]:
    """A path to write a file to; it takes its place once the block ends.

    Raises ArtifactError, before the block or after, if something foreign is at the place.
    """
    must_be_free(path, foreign, folder=False)
    with _working(path) as work:
        yield work / NEW
        must_be_free(path, foreign, folder=False)
        with _said(path):
            (work / NEW).replace(path)


def must_be_free(path: Path, foreign: Foreign, *, folder: bool) -> None:
    """Raise ArtifactError unless the path is free or holds something that jz3 made and may replace."""
    if path.name in ("", ".."):
        raise ArtifactError(f"{path} names no place of its own; a new path was expected. Give one.")
    for above in path.parents:
        if os.path.lexists(above) and not above.is_dir():
            raise ArtifactError(
                f"{above} is not a folder; one was expected there to hold {path.name}. Give another path."
            )
    if not os.path.lexists(path):
        _put_back(path)
        if not os.path.lexists(path):
            return
    with _said(path):
        if folder and _is_empty(path):
            return
        reason = _shape(path, folder=folder) or foreign(path)
    if reason:
        raise ArtifactError(
            f"{path} {reason}: jz3 did not make it and leaves it as it is; nothing, or what the same stage "
            f"left earlier, was expected there. Move it away, or give another path."
        )


def make_folder(path: Path) -> None:
    """Make a folder and those above it, unless it is there. Raises ArtifactError where it cannot be made."""
    if path.is_dir():
        return
    must_be_free(path, lambda _: None, folder=True)
    with _said(path):
        path.mkdir(parents=True, exist_ok=True)


@contextmanager
def full_disk_said(path: Path, folder: Path) -> Generator[None]:
    """Raise the system's error for a full disk at the path in place of a library's own, which need not say
    it: the disk is full if nothing more can be written into the folder.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        if getattr(error, "errno", None) is None and (number := _full(folder)):
            raise OSError(number, os.strerror(number), str(path)) from error
        raise


def _full(folder: Path) -> int | None:
    """The number of the error by which the system refuses room for a few bytes, if it does."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno if error.errno in FULL else None
    return None


def identity(path: Path) -> tuple[int, int] | None:
    """Identifies what is at a path; it changes when the path is written again. None if nothing is there."""
    if not os.path.lexists(path):
        return None
    found = path.lstat()
    return found.st_ino, found.st_mtime_ns


def withdraw(before: Mapping[Path, tuple[int, int] | None]) -> None:
    """Remove the outputs that were written after `before`, which holds each path's earlier `identity`."""
    for path, earlier in before.items():
        if identity(path) in (None, earlier):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def is_within(inner: Path, outer: Path) -> bool:
    """Whether both paths are the same place, or the first lies under the second."""
    return inner.resolve().is_relative_to(outer.resolve())


def entries(folder: Path) -> set[str]:
    """The relative paths of everything under a folder; links are not followed."""
    found: set[str] = set()
    for place, folders, files in os.walk(folder):
        found |= {(Path(place) / name).relative_to(folder).as_posix() for name in (*folders, *files)}
    return found


def _is_empty(path: Path) -> bool:
    """Whether a folder is empty, so that nothing can be lost."""
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _shape(path: Path, *, folder: bool) -> str | None:
    if path.is_symlink():
        return "is a link"
    if folder:
        return None if path.is_dir() else "is no folder"
    return None if path.is_file() else "is no file"


def _nothing_lost(path: Path, new: Path) -> None:
    """Raise ArtifactError if the old folder holds files that neither `new` has nor its own manifest names."""
    if not path.exists() or _is_empty(path):
        return
    named = _named(path)
    lost = sorted(name for name in entries(path) - entries(new) if name not in named)
    if lost:
        raise ArtifactError(
            f"{path} holds {lost[0]}, which the new folder does not and which its manifest does not name; "
            f"only what jz3 made was expected there. Move it away, and run this again."
        )


def _named(path: Path) -> set[str]:
    """All names in a folder's manifest, whether keys or values."""
    waiting: list[object] = [json.loads((path / MANIFEST).read_text())]
    found: set[str] = set()
    while waiting:
        match waiting.pop():
            case dict() as pairs:
                waiting.extend([*pairs.keys(), *pairs.values()])  # pyright: ignore[reportUnknownArgumentType]
            case list() as values:
                waiting.extend(values)  # pyright: ignore[reportUnknownArgumentType]
            case str() as text:
                found.add(text)
            case _:
                pass
    return found


@contextmanager
def _working(path: Path) -> Generator[Path]:
    """A working folder beside a path; it is removed when the block ends, unless it holds the only copy of the
    old folder.
    """
    with _said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        work = Path(tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent))
    with (work / MARK).open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            with full_disk_said(path, work):
                yield work
        finally:
            if not (os.path.lexists(work / OLD) and not os.path.lexists(path)):
                shutil.rmtree(work, ignore_errors=True)


def _prefix(path: Path) -> str:
    return f".{path.name}.jz3-"


def _left(path: Path) -> Generator[Path]:
    """Working folders of a path whose process has ended."""
    if not path.parent.is_dir():
        return
    for beside in sorted(path.parent.iterdir()):
        mark = beside / MARK
        if not beside.name.startswith(_prefix(path)) or mark.is_symlink() or not mark.is_file():
            continue
        with mark.open("r") as held:
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield mark.parent


def _put_back(path: Path) -> None:
    """Put back an old folder that was moved aside by a process that was killed before the new one was in
    place.
    """
    for work in _left(path):
        if os.path.lexists(work / OLD) and not os.path.lexists(path):
            (work / OLD).rename(path)


def _clear(path: Path) -> None:
    for work in _left(path):
        if not os.path.lexists(work / OLD) or os.path.lexists(path):
            shutil.rmtree(work, ignore_errors=True)


def _swap(new: Path, path: Path, old: Path) -> None:
    """Put the new folder at the path; the old one is then in the working folder."""
    if not os.path.lexists(path):
        new.rename(path)
    elif not _exchanged(new, path):
        path.rename(old)
        new.rename(path)


_EXCHANGE, _HERE = 2, -100
"""RENAME_EXCHANGE and AT_FDCWD of Linux."""


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two paths in one step; False if the system cannot do that."""
    rename: Callable[..., int] | None = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))


@contextmanager
def _said(path: Path) -> Generator[None]:
    """Turn every error at the path, such as missing rights, into an ArtifactError of one line; a full disk is
    told elsewhere.
    """
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise
        raise ArtifactError(
            f"{path} cannot be written ({os.strerror(error.errno or 0)}: {error.filename}); a place to write "
            f"to was expected. Fix its permissions, or give another path."
        ) from error
