"""How a process of ours ends: a UserError, a full disk and Ctrl-C each become one line and an exit status."""

import errno
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import FrameType

from jz3.core.errors import UserError

INTERRUPTED = 128 + signal.SIGINT
"""The exit status by which shells recognise a process that Ctrl-C ended."""
FULL = (errno.ENOSPC, errno.EDQUOT)
OF_A_PATH = (
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENAMETOOLONG,
    errno.ELOOP,
    errno.EISDIR,
    errno.ENOTDIR,
)
"""What keeps a path that was given from being read or written."""


@contextmanager
def ends_in_one_line(who: str, again: str) -> Generator[None]:
    """Turn a UserError, a full disk or Ctrl-C into one line that begins with `who`; other errors give a
    traceback.

    `again` says how to continue, such as "run `dvc repro` again". Code that Ctrl-C interrupts can add with
    `add_note` where it will resume.
    """
    handler = signal.getsignal(signal.SIGINT)
    if isinstance(handler, partial) and handler.func is _end_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except UserError as error:
        _end(f"{who}: {error}", error.exit_status)
    except KeyboardInterrupt as interrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second one would cut off the line
        notes: list[str] = getattr(interrupt, "__notes__", [])
        where = "; ".join(notes) or "what is in the row store is not computed or asked for again"
        _end(f"{who}: interrupted; no output was left half written. To go on, {again}: {where}.", INTERRUPTED)
    except OSError as error:
        if error.errno in OF_A_PATH and error.filename:
            _end(
                f"{who}: {error.filename}: {os.strerror(error.errno)}; a path that you may read or write was "
                f"expected. Fix its permissions, or give another path.",
                1,
            )
        if error.errno not in FULL:
            raise
        _end(
            f"{who}: the disk is full at {error.filename or Path.cwd()}; nothing half-written was kept. "
            f"Free some space and {again}: it goes on from the row store.",
            1,
        )


def heed_sigterm() -> None:
    """SIGTERM is as Ctrl-C where this process was started with it ignored.

    A job of `jz3 slurm` keeps DVC from it, and what DVC starts inherits that: without this, only a stage that
    trains would end when its job's time is up, and any other would be killed with its job, which then is not
    queued again.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_IGN:
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def end_imports_in_one_line(again: str) -> None:
    """End with one line, too, if Ctrl-C comes before `ends_in_one_line`: while modules load, which takes
    seconds.

    It handles the signal itself, because import machinery may turn a KeyboardInterrupt into another error.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(
            signal.SIGINT, partial(_end_at_once, f"interrupted before any work. To go on, {again}.")
        )


def _end_at_once(line: str, _signal: int, _frame: FrameType | None) -> None:
    os.write(sys.stderr.fileno(), f"{line}\n".encode())
    os._exit(INTERRUPTED)


def _end(line: str, status: int) -> None:
    print(line, file=sys.stderr)  # noqa: T201 (this is the one place that speaks to users)
    sys.exit(status)
