"""Checkpoints of a training that still runs: where it goes on after a kill.

They lie outside the outs of the graph, in a directory of their own for each training. A checkpoint counts
once its notes are there, which are written last; they say of which data and parameters it is, so that no
other training goes on from it. All but the last few are deleted as new ones come. One process at a time has
the directory; the operating system gives the lock back when it ends, however it ends.
"""

import fcntl
import json
import os
import shutil
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.cache import cache_root
from jz3.core.errors import UserError
from jz3.store.trouble import store_error

NOTES = "notes.json"
LOCK = "lock"
PREFIX = "checkpoint-"
"""As the Trainer of transformers names them."""


class CheckpointError(UserError):
    """A checkpoint is of another training, or another process is at this one."""


class Hold:
    """A training's directory for this process alone, until `release` or until nobody knows this object."""

    def __init__(self, lock: int) -> None:
        self.release = weakref.finalize(self, os.close, lock)


def hold(directory: Path) -> Hold:
    """The directory is made if it is not there; across machines it is held where the file system's locks do.

    Raises CheckpointError where another process has it, StoreError where it cannot be made.
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


@dataclass(frozen=True)
class Checkpoints:
    """Of one training; `identity` names everything that determines its weights."""

    directory: Path
    identity: Mapping[str, str]
    every: int
    """Steps between two."""
    kept: int
    """Latest ones that stay."""

    def latest(self) -> Path | None:
        """The last whole checkpoint. Raises CheckpointError where it is of other data or parameters."""
        whole = [path for path in self._all() if (path / NOTES).exists()]
        if not whole:
            return None
        found: dict[str, str] = json.loads((whole[-1] / NOTES).read_text())["identity"]
        names = self.identity.keys() | found.keys()
        differing = sorted(name for name in names if found.get(name) != self.identity.get(name))
        if differing:
            raise CheckpointError(
                f"{whole[-1]} is a checkpoint of another training (other {', '.join(differing)}); one of "
                f"the same data and parameters was expected. Delete {self.directory} to train from the start."
            )
        return whole[-1]

    def complete(self, step: int, progress: Mapping[str, Any]) -> None:
        """Make the checkpoint of a step count, with what was noted so far, and delete the older ones."""
        notes = {"identity": dict(self.identity), "progress": dict(progress)}
        path = self.directory / f"{PREFIX}{step}"
        part = path / (NOTES + ".part")
        part.write_text(json.dumps(notes))
        part.replace(path / NOTES)
        for old in self._all()[: -self.kept]:
            shutil.rmtree(old)

    def discard(self) -> None:
        """Delete all that is kept for a resume: the training is done and its result is safe."""
        shutil.rmtree(self.directory, ignore_errors=True)

    def _all(self) -> list[Path]:
        return sorted(self.directory.glob(f"{PREFIX}*"), key=lambda path: int(path.name.removeprefix(PREFIX)))


def progress_at(checkpoint: Path) -> dict[str, Any]:
    """What was noted when the checkpoint was made."""
    return json.loads((checkpoint / NOTES).read_text())["progress"]
