"""Runs one server for a stage and ends it with the stage: `guardian.py STAGE_PID COMMAND ...`.

Three ties, as each alone can tear. A pidfd says that the stage has ended (kill -9 too). The end of standard
input says that the stage wants no more of the server. And the kernel kills the server where this program
itself is killed (PR_SET_PDEATHSIG). What the server leaves behind comes to this program as the nearest
subreaper, and is killed: vLLM's engine is a process of its own that holds the GPU's memory.

Imports the standard library alone: it runs before, and apart from, everything of a model.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""Of Linux's prctl."""
GRACE_S = 10.0
"""For a server to end by itself after SIGTERM (chosen: vLLM frees its memory in two)."""


def main(stage: int, command: list[str]) -> int:
    """The server's exit status, once it and everything that it started has ended."""
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
        if os.getppid() != own:  # killed before the line above
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
    return status if status >= 0 else 128 - status  # as shells tell of a signal


def _ended(server: "subprocess.Popen[bytes]") -> int:
    if server.poll() is None:
        server.terminate()
    try:
        return server.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        return server.wait()


def _kill_the_rest() -> None:
    """Children of the server are this program's once the server has ended, and theirs in turn."""
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    while left := [int(pid) for pid in children.read_text().split()]:
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
