"""Checkpoints of a running training: it resumes from them after a kill.

They are no outs of the graph; each training has its own directory. A checkpoint counts once its notes exist,
which are written last. The notes say which data and parameters it belongs to, so that no other training
resumes from it, and how large each of its files is. If a file is missing or incomplete, the checkpoint is
damaged, and the training resumes from the one before, with the same losses. All but the last few are deleted
as new ones are made. One process at a time holds the directory; the operating system releases its lock when
the process ends, in whatever way.
"""

import fcntl
import logging
import os
import shutil
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

from pydantic import BaseModel, ValidationError
from safetensors import SafetensorError

from jz3.core.cache import cache_root
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.store.trouble import store_error

log = logging.getLogger(__name__)

NOTES = "notes.json"
LOCK = "lock"
PREFIX = "checkpoint-"
"""The prefix that the Trainer of transformers uses."""


class CheckpointError(UserError):
    """A checkpoint belongs to another training, or another process holds the directory."""


class Noted(BaseModel):
    """How far a training has come, one entry for each step."""

    points: list[dict[str, int | float]]
    """Rows of LossPoint."""
    label_tokens: list[int]


class _Notes(BaseModel):
    """What is noted of a complete checkpoint."""

    identity: dict[str, str]
    progress: Noted
    files: dict[str, int]
    """Bytes of each."""


class Hold:
    """A training's directory, held by this process until `release` or until this object is garbage."""

    def __init__(self, lock: int) -> None:
        self.release = weakref.finalize(self, os.close, lock)


def hold(directory: Path) -> Hold:
    """Hold a directory, which is made if necessary; this works across machines if the file system's locks do.

    Raises CheckpointError if another process holds it, StoreError if it cannot be made.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise store_error(cache_root(), error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.read(lock, 20).decode().strip()
        os.close(lock)
        raise CheckpointError(
            f"process {holder} trains the same data with the same parameters in {directory}; one process at "
            f"a time was expected there. Wait until it has ended, or end it, and run this again."
        ) from error
    os.truncate(lock, 0)
    os.write(lock, f"{os.getpid()}\n".encode())
    return Hold(lock)


def steps_between(execution: Execution, steps: int) -> int:
    """Steps between two checkpoints of a training with `steps` steps."""
    return max(1, min(execution.checkpoint_steps, int(execution.checkpoint_share * steps)))


@dataclass(frozen=True)
class Checkpoints:
    """The checkpoints of one training; `identity` names everything that determines its weights."""

    directory: Path
    identity: Mapping[str, str]
    every: int
    """Steps between two checkpoints."""
    kept: int
    """How many of the latest checkpoints are kept."""

    def latest(self) -> Path | None:
        """The last complete checkpoint; damaged ones after it are deleted. Raises CheckpointError if it
        belongs to other data or parameters, and if there are checkpoints but all are damaged.
        """
        damaged: dict[Path, str] = {}
        for path in reversed(self._all()):
            try:
                notes = _notes(path)
            except FileNotFoundError:  # a kill interrupted it
                continue
            except CheckpointError as error:
                damaged[path] = str(error)
                continue
            self._compare(path, notes.identity)
            for other, what in damaged.items():
                log.warning("%s; the training goes on from %s", what, path)
                shutil.rmtree(other, ignore_errors=True)  # another rank may have been faster
            return path
        if damaged:
            raise CheckpointError(
                f"{next(iter(damaged.values()))}; an intact checkpoint was expected, and no earlier one was "
                f"kept. Delete {self.directory} to train from the start."
            )
        return None

    def _compare(self, path: Path, found: Mapping[str, str]) -> None:
        """Raise CheckpointError if a checkpoint belongs to other data or parameters."""
        names = self.identity.keys() | found.keys()
        differing = sorted(name for name in names if found.get(name) != self.identity.get(name))
        if differing:
            raise CheckpointError(
                f"{path} is a checkpoint of another training (other {', '.join(differing)}); one of "
                f"the same data and parameters was expected. Delete {self.directory} to train from the start."
            )

    def complete(self, step: int, progress: Noted) -> None:
        """Complete the checkpoint of a step with what was noted so far, and delete older ones."""
        path = self.directory / f"{PREFIX}{step}"
        notes = _Notes(identity=dict(self.identity), progress=progress, files=_sizes(path))
        part = path / (NOTES + ".part")
        part.write_text(notes.model_dump_json())
        part.replace(path / NOTES)
        for old in self._all()[: -self.kept]:
            shutil.rmtree(old)

    def discard(self, *others: Path) -> None:
        """Delete the files for resuming, and `others` of this training, but nothing else in the directory.
        Call it once the training is done and its result is safe.
        """
        for path in (*self._all(), *others, self.directory / LOCK):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty: files that are not ours are in it
            self.directory.rmdir()

    def _all(self) -> list[Path]:
        """All checkpoints by step; links and other names are ignored."""
        found = (
            path
            for path in self.directory.glob(f"{PREFIX}*")
            if _step(path).isdecimal() and path.is_dir() and not path.is_symlink()
        )
        return sorted(found, key=lambda path: int(_step(path)))


def progress_at(checkpoint: Path) -> Noted:
    """What was noted when the checkpoint was made."""
    return _notes(checkpoint).progress


@contextmanager
def reading(checkpoint: Path) -> Generator[None]:
    """Raise CheckpointError if a file has the right length but cannot be read."""
    try:
        yield
    except (EOFError, KeyError, OSError, RuntimeError, ValueError, UnpicklingError, SafetensorError) as error:
        said = str(error).partition("\n")[0]
        raise CheckpointError(
            f"{checkpoint} cannot be read ({type(error).__name__}: {said}); an intact checkpoint was "
            f"expected. Delete it to go on from the one before it, and run this again."
        ) from error


def step_of(checkpoint: Path) -> int:
    """Steps done when it was made."""
    return int(_step(checkpoint))


def _step(path: Path) -> str:
    return path.name.removeprefix(PREFIX)


def _sizes(checkpoint: Path) -> dict[str, int]:
    """Bytes of each file; the notes do not exist yet."""
    files = (path for path in sorted(checkpoint.rglob("*")) if path.is_file() and path.parent != checkpoint)
    own = (
        path for path in sorted(checkpoint.iterdir()) if path.is_file() and not path.name.startswith(NOTES)
    )
    return {str(path.relative_to(checkpoint)): path.stat().st_size for path in (*own, *files)}


def _notes(checkpoint: Path) -> _Notes:
    """Raises FileNotFoundError if there are no notes yet, CheckpointError if the checkpoint is damaged."""
    try:
        notes = _Notes.model_validate_json((checkpoint / NOTES).read_bytes())
    except FileNotFoundError:
        raise
    except (OSError, ValidationError) as error:
        said = str(error).splitlines()[0]
        raise CheckpointError(f"{checkpoint / NOTES} cannot be read ({said})") from error
    if len(notes.progress.points) != step_of(checkpoint):
        raise CheckpointError(f"{checkpoint / NOTES} has {len(notes.progress.points)} losses")
    found = _sizes(checkpoint)
    for name, size in notes.files.items():
        if name not in found:
            raise CheckpointError(f"{checkpoint / name} is missing")
        if found[name] != size:
            raise CheckpointError(f"{checkpoint / name} has {found[name]} bytes of {size}")
    return notes
