"""A file that a user names: whether it is there and can be read, asked before anything reads it."""

import os
import stat
from pathlib import Path

from jz3.core.errors import UserError
from jz3.core.placing import is_within

ONCE = "a pipe or a device, which can be read only once"


def must_be_a_file(path: Path, wanted: str, *, pipes: bool = False) -> None:
    """Raise UserError unless this user can read a file at the path; `wanted` says what was expected there.

    `pipes`: whether something that can be read only once will do.
    """
    reason = _reason(path)
    if reason is None or (pipes and reason == ONCE):
        return
    what_to_do = "Write it to a file first." if reason == ONCE else "Check the path and its permissions."
    raise UserError(f"{path}: {reason}; {wanted} was expected. {what_to_do}")


def must_be_outside(path: Path, out: Path) -> None:
    """Raise UserError if a file that is read lies in the folder that the output replaces."""
    if is_within(path, out):
        raise UserError(
            f"{path} is inside {out}, which the output would replace; another folder was expected. Give "
            f"another one with -o."
        )


def _reason(path: Path) -> str | None:
    """What keeps a path from being read as a file, such as `Permission denied`; None for nothing."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            return "a folder"
        if not stat.S_ISREG(mode):
            return ONCE
        with path.open("rb"):
            return None
    except OSError as error:
        return os.strerror(error.errno or 0)
