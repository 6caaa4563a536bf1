"""Runs one server for a stage and ends it with the stage: `guardian.py STAGE_PID COMMAND ...`.

Three ties bind them, because each alone can fail. A pidfd shows that the stage has ended (also by kill -9).
The end of standard input means that the stage no longer needs the server. And the kernel kills the server if
this program itself is killed (PR_SET_PDEATHSIG). Processes that the server leaves behind become children of
this program, the nearest subreaper, and are killed: vLLM's engine is a separate process that holds the GPU's
memory.

Imports only the standard library: it runs before, and apart from, everything that loads a model.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""Options of Linux's prctl."""
GRACE_S = 10.0
"""Seconds for a server to end by itself after SIGTERM (chosen: vLLM frees its memory in two)."""


def main(stage: int, command: list[str]) -> int:
    """The server's exit status, once it and everything that it started have ended."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        watched = os.pidfd_open(stage)
    except ProcessLookupError:
        return 1
    own = os.getpid()

    def ends_with_guardian() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != own:  # the guardian was killed before the line above
            os._exit(1)

    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=ends_with_guardian)
    try:
        poll = select.poll()
        for descriptor in (sys.stdin.fileno(), watched, os.pidfd_open(server.pid)):
            poll.register(descriptor, select.POLLIN)
        poll.poll()
    finally:
        status = _ended(server)
        _kill_the_rest()
    return status if status >= 0 else 128 - status  # as shells report a signal


def _ended(server: "subprocess.Popen[bytes]") -> int:
    if server.poll() is None:
        server.terminate()
    try:
        return server.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


def _kill_the_rest() -> None:
    """Kill what the server started: its children become this program's once it has ended, and so do
    theirs.
    """
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while left := [int(pid) for pid in children.read_text().split()]:
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
