"""How what a stage leaves takes its place: what jz3 did not make is neither removed nor written over.

Everything is written into a working folder beside the place, `.NAME.jz3-XXXX`, and put there by a rename.
What lies at the place already may give way only where it is ours; a link, a folder in place of a file and a
file in place of a folder never are. Two folders change places in one step, where the file system can do that
(ext4, xfs, btrfs, tmpfs); elsewhere by two renames, and the next run puts back what a kill between them left
aside. A working folder that a killed process left is removed by the next one that writes to the same place;
it is known by the mark in it and by its lock, which the operating system gives back.
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

from jz3.core.errors import UserError

MANIFEST = "manifest.json"
MARK = "jz3-working-folder"
"""A file in each working folder, locked while it is in use."""
NEW, OLD = "new", "old"

Foreign = Callable[[Path], str | None]
"""What shows that jz3 did not make what lies at a path, such as `has no manifest.json`; None where it did."""


class ArtifactError(UserError):
    """An artifact is missing, damaged, not what the stage's signature says, or somebody else's."""


@contextmanager
def placed_folder(path: Path, foreign: Foreign, whole: Callable[[Path], object]) -> Generator[Path]:
    """A folder to fill; it takes its place once the block ends and `whole` raises nothing.

    Raises ArtifactError before the block where something foreign is at the place. Where it came there during
    the block, or where the folder that gives way holds what the new one lacks and the old manifest does not
    name, the new folder stays beside the place, and the error says where.
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
            raise ArtifactError(f"{error} The new folder is whole and lies in {aside}.") from error
        with _said(path):
            _swap(new, path, work / OLD)


@contextmanager
def placed_file(path: Path, foreign: Foreign) -> Generator[Path]:
    """A path to write a file to; it takes its place once the block ends.

    Raises ArtifactError where something foreign is at the place, before the block or after.
    """
    must_be_free(path, foreign, folder=False)
    with _working(path) as work:
        yield work / NEW
        must_be_free(path, foreign, folder=False)
        with _said(path):
            (work / NEW).replace(path)


def must_be_free(path: Path, foreign: Foreign, *, folder: bool) -> None:
    """Raise ArtifactError unless nothing is at the path, or something that jz3 made and may make anew."""
    if path.name in ("", ".."):
        raise ArtifactError(f"{path} names no place of its own; a new path was expected. Give one.")
    for above in path.parents:
        if os.path.lexists(above) and not above.is_dir():
            raise ArtifactError(
                f"{above} is no folder; one was expected there to hold {path.name}. Give another path."
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


def identity(path: Path) -> tuple[int, int] | None:
    """What lies at a path: another one after it was written anew. None where nothing does."""
    if not os.path.lexists(path):
        return None
    found = path.lstat()
    return found.st_ino, found.st_mtime_ns


def withdraw(before: Mapping[Path, tuple[int, int] | None]) -> None:
    """Remove what has taken its place since `before`, which `identity` gave."""
    for path, earlier in before.items():
        if identity(path) in (None, earlier):
            continue
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def is_within(inner: Path, outer: Path) -> bool:
    """Whether two paths name the same place, or the first one a place under the second."""
    return inner.resolve().is_relative_to(outer.resolve())


def entries(folder: Path) -> set[str]:
    """Everything under a folder, by its path from there; links are not followed."""
    found: set[str] = set()
    for place, folders, files in os.walk(folder):
        found |= {(Path(place) / name).relative_to(folder).as_posix() for name in (*folders, *files)}
    return found


def _is_empty(path: Path) -> bool:
    """Whether a folder holds nothing that could be lost."""
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _shape(path: Path, *, folder: bool) -> str | None:
    if path.is_symlink():
        return "is a link"
    if folder:
        return None if path.is_dir() else "is no folder"
    return None if path.is_file() else "is no file"


def _nothing_lost(path: Path, new: Path) -> None:
    """What gives way holds nothing but what the new folder has too, or what its own manifest names."""
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
    """Names that the manifest of a folder mentions, be it as keys or as values."""
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
    """A working folder beside a path, gone when the block ends however it ends."""
    with _said(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear(path)
        work = Path(tempfile.mkdtemp(prefix=_prefix(path), dir=path.parent))
    with (work / MARK).open("w") as mark:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
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
    """What a process moved aside and was killed before the new one took its place."""
    for work in _left(path):
        if os.path.lexists(work / OLD) and not os.path.lexists(path):
            (work / OLD).rename(path)


def _clear(path: Path) -> None:
    for work in _left(path):
        if not os.path.lexists(work / OLD) or os.path.lexists(path):
            shutil.rmtree(work, ignore_errors=True)


def _swap(new: Path, path: Path, old: Path) -> None:
    """The new folder at the path; what was there is in the working folder after."""
    if not os.path.lexists(path):
        new.rename(path)
    elif not _exchanged(new, path):
        path.rename(old)
        new.rename(path)


_EXCHANGE, _HERE = 2, -100
"""RENAME_EXCHANGE and AT_FDCWD of Linux."""


def _exchanged(one: Path, other: Path) -> bool:
    """Whether two paths changed places in one step; False where the system cannot do that."""
    rename: Callable[..., int] | None = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(other))


_MENDABLE = {
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EEXIST,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EBUSY,
}


@contextmanager
def _said(path: Path) -> Generator[None]:
    """What keeps a place from being written becomes one line."""
    try:
        yield
    except OSError as error:
        if error.errno not in _MENDABLE:
            raise
        raise ArtifactError(
            f"{path} cannot be written ({os.strerror(error.errno)}: {error.filename}); a place to write to "
            f"was expected. Mend its rights, or give another path."
        ) from error
