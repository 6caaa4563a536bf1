"""The result of a program, without clocks, process ids or host names."""

import signal
from dataclasses import dataclass, replace
from typing import Literal, TypedDict

from jz3.sandbox.marks import Marks

Stop = Literal["", "wall", "cpu", "output"]
Status = Literal["ok", "error", "timeout", "memory", "output-limit", "killed", "unstable", "lost"]


class Ending(TypedDict):
    """How one program ended, as sent over the control channel."""

    stdout: str
    stderr_tail: str
    exit_code: int | None
    signal: int
    stopped: Stop
    setup_error: str


@dataclass(frozen=True)
class ProgramResult:
    """One program's result.

    - `ok`: it ended by itself with exit code 0.
    - `error`: it ended by itself with another exit code; `error` has the last line of its standard error.
    - `timeout`: it was killed at the wall or CPU limit; `stdout` is empty, because how much of it had arrived
      by then is random.
    - `memory`: it ended with a MemoryError, that is at its memory limit.
    - `output-limit`: it printed more than allowed; `stdout` has the allowed characters.
    - `killed`: a signal ended it (a crash, or itself); `error` names the signal.
    - `unstable`: it printed something that differs each time it runs here (an address if the kernel moves
      them, the folder or the user of its worker); `error` says what, and `stdout` is empty.
    - `lost`: its worker died, or could not put up its walls, and so did not run it (`error` says why).
      Nothing is known about the program: do not store this.
    """

    status: Status
    stdout: str
    error: str
    exit_code: int | None


LOST = ProgramResult(status="lost", stdout="", error="", exit_code=None)


def result_of(ending: Ending, marks: Marks) -> ProgramResult:
    """The result for an ending of a program that ran in a worker with these marks."""
    result = _as_told(ending)
    reason = "" if result.status == "lost" else marks.in_text(f"{result.stdout}\n{result.error}")
    if not reason:
        return result
    return ProgramResult(status="unstable", stdout="", error=reason, exit_code=None)


def _as_told(ending: Ending) -> ProgramResult:
    if ending["setup_error"]:
        return replace(LOST, error=ending["setup_error"])
    if ending["stopped"] in ("wall", "cpu"):
        return ProgramResult(status="timeout", stdout="", error="", exit_code=None)
    if ending["stopped"] == "output":
        return ProgramResult(status="output-limit", stdout=ending["stdout"], error="", exit_code=None)
    if ending["signal"]:
        return ProgramResult(
            status="killed", stdout=ending["stdout"], error=_signal_name(ending["signal"]), exit_code=None
        )
    if ending["exit_code"] == 0:
        return ProgramResult(status="ok", stdout=ending["stdout"], error="", exit_code=0)
    error = last_line(ending["stderr_tail"])
    return ProgramResult(
        status="memory" if _is_memory_error(error) else "error",
        stdout=ending["stdout"],
        error=error,
        exit_code=ending["exit_code"],
    )


def last_line(text: str) -> str:
    """The last line of a text that is not blank, stripped at its end; empty if there is none."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")


def _is_memory_error(error: str) -> bool:
    name = error.split(":", 1)[0].rsplit(".", 1)[-1]
    return name in ("MemoryError", "_ArrayMemoryError")


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have no name
        return f"signal {number}"
