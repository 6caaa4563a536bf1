"""The law of everything that can be killed: after a kill and a new start, the result is the same as without.

`assert_same_after_kill` states it in general; `run_stage` runs a stage of a clone in this process and dies at
a point where something is made durable. `python -m tests.same_after_kill PLACE stages.NAME ...` runs a stage
in a process of its own, which ends at the place by kill -9.
"""

import importlib
import os
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest

from jz3.core import placing
from jz3.core.stage import OUTS, Signature, run
from jz3.lm.checkpoints import Checkpoints
from jz3.store.writer import RowWriter

R = TypeVar("R")
P = TypeVar("P")


def assert_same_after_kill(
    whole: Callable[[], R],
    killed: Callable[[P], None],
    resumed: Callable[[], R],
    places: Sequence[P],
    same: Callable[[R, R], bool],
) -> None:
    """`whole` runs to its end and leaves nothing behind; `killed` runs up to a place and dies there, once for
    each of `places` in turn; `resumed` continues from what that left. Both results must be the same.
    """
    expected = whole()
    for place in places:
        killed(place)
    found = resumed()
    assert same(expected, found), f"killed at {', '.join(map(str, places))}: the result is another one"


class Killed(BaseException):
    """Stops a stage where kill -9 would, as far as its own process can tell."""


@dataclass(frozen=True)
class Place:
    """The `number`-th time (from 1) that a run makes something durable, before or after it does."""

    kind: str
    """`rows`: a commit to the row store, or a checkpoint; `outs`: an output that takes its place."""
    number: int
    before: bool = False

    def __str__(self) -> str:
        return f"{self.kind}:{self.number}:{'before' if self.before else 'after'}"


def place_of(text: str) -> Place:
    kind, number, when = text.split(":")
    return Place(kind, int(number), when == "before")


LASTING = {
    "rows": ((RowWriter, "commit"), (Checkpoints, "complete")),
    "outs": ((placing, "_swap"), (Path, "replace")),
}


def die_at(place: Place, patch: pytest.MonkeyPatch, die: Callable[[], None]) -> None:
    """From now on, call `die` at the place."""
    passed = 0

    def dying(alive):
        def lasting(*arguments, **told):
            nonlocal passed
            new = arguments[0]
            counts = not isinstance(new, Path) or new.name == placing.NEW
            passed += counts
            if counts and place.before and passed == place.number:
                die()
            done = alive(*arguments, **told)
            if counts and not place.before and passed == place.number:
                die()
            return done

        return lasting

    for owner, name in LASTING[place.kind]:
        patch.setattr(owner, name, dying(getattr(owner, name)))


def raise_killed() -> None:
    raise Killed


def run_stage(command: str, folder: Path, store: Path, place: Place | None = None) -> bool:
    """Whether a stage, run in this process as DVC runs it in `folder`, died at the place."""
    words = shlex.split(command)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("JZ3_STORE", str(store))
        patch.setattr(sys, "argv", words[2:])
        main = importlib.import_module(words[2]).main
        if place is not None:
            die_at(place, patch, raise_killed)
        try:
            run(main)
        except Killed:
            return True
        except BaseExceptionGroup as group:  # from the calls to a teacher
            if group.split(Killed)[1] is not None:
                raise
            return True
    return False


def outs_of(command: str) -> list[Path]:
    """The output paths of a stage."""
    words = shlex.split(command)
    handles = Signature.of(importlib.import_module(words[2]).main).artifacts
    kinds = {f"--{name.replace('_', '-')}": hint for name, hint in handles.items()}
    return [Path(path) for flag, path in pairwise(words) if flag in kinds and _handle(kinds[flag]) in OUTS]


def _handle(hint):
    return getattr(hint, "__origin__", hint)


def contents(folder: Path, paths: Sequence[Path]) -> dict[str, bytes]:
    """Every file below the paths, with its bytes."""
    tops = [folder / path for path in paths]
    files = [file for top in tops for file in ([top] if top.is_file() else sorted(top.rglob("*")))]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.is_file()}


if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    die_at(place_of(sys.argv.pop(0)), pytest.MonkeyPatch(), lambda: os.kill(os.getpid(), signal.SIGKILL))
    run(importlib.import_module(sys.argv[0]).main)
