"""How a process of ours ends: what the user can mend, a full disk and Ctrl-C are one line and a status."""

import errno
import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from jz3.core.errors import UserError

INTERRUPTED = 128 + signal.SIGINT
"""The status by which shells know a process that Ctrl-C ended."""
FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def ends_in_one_line(who: str, again: str) -> Generator[None]:
    """`who` begins the line; `again` says how to go on, such as "run `dvc repro` again". Everything else that
    goes wrong is a traceback. What was at work may say with `add_note` where it goes on after Ctrl-C.
    """
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
        if error.errno not in FULL:
            raise
        _end(
            f"{who}: the disk is full at {error.filename or Path.cwd()}; nothing half-written was kept. "
            f"Free some space and {again}: it goes on from the row store.",
            1,
        )


def end_imports_in_one_line(again: str) -> None:
    """Ctrl-C outside `ends_in_one_line` is one line, too: while modules are imported, which takes seconds."""

    def ended(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        if not issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, traceback)
            return
        print(f"interrupted before any work began. To go on, {again}.", file=sys.stderr)  # noqa: T201
        os._exit(INTERRUPTED)  # the interpreter would end by the signal, and its parents say so

    sys.excepthook = ended


def _end(line: str, status: int) -> None:
    print(line, file=sys.stderr)  # noqa: T201 (this is the one place that speaks to users)
    sys.exit(status)
