"""A stage ends with the `dvc` that started it.

DVC runs a command through a shell. When `dvc` is killed (kill -9, out of memory), shell and stage live on and
would write beside the next run. So a thread watches the process that started the stage and, if that is a
shell, the one that started the shell; when one of them ends, the stage is killed with all its processes.
"""

import os
import select
import signal
import threading
from pathlib import Path

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ash"})


def end_with_parent() -> None:
    """Start the watch. Does nothing if /proc or pidfds are missing (not Linux)."""
    if not hasattr(os, "pidfd_open") or not Path("/proc/self/stat").exists():
        return
    if _orphaned():
        os.kill(os.getpid(), signal.SIGKILL)
    watched = _ancestors()
    if watched:
        threading.Thread(target=_wait_and_end, args=(watched,), daemon=True, name="parent-watch").start()


def _orphaned() -> bool:
    """Whether the `dvc` that started this process was killed before the watch began.

    That is so if DVC_STAGE is set and the ancestor left is process 1, unless process 1 is itself the `dvc`,
    as in a container that runs nothing else.
    """
    if "DVC_STAGE" not in os.environ:
        return False
    parent = os.getppid()
    name, grandparent = _name_and_parent(parent)
    first = parent == 1 or (name in SHELLS and grandparent == 1)
    return first and not _name_and_parent(1)[0].startswith(("dvc", "python"))


def end_with_process(pid: int) -> None:
    """Start the watch of one process that is not a parent, such as the stage behind a launcher."""
    if hasattr(os, "pidfd_open"):
        try:
            watched = [os.pidfd_open(pid)]
        except ProcessLookupError:
            os.kill(os.getpid(), signal.SIGKILL)
            raise
        threading.Thread(target=_wait_and_end, args=(watched,), daemon=True, name="stage-watch").start()


def starter() -> int:
    """The process that started this one, skipping a shell between them (but not if /proc is missing)."""
    parent = os.getppid()
    try:
        name, grandparent = _name_and_parent(parent)
    except OSError:  # no /proc, or the parent has ended since
        return parent
    return grandparent if name in SHELLS else parent


def _ancestors() -> list[int]:
    """Pidfds of the parent and, if that is a shell, of its parent; never of process 1."""
    pids = dict.fromkeys((os.getppid(), starter()))
    return [os.pidfd_open(pid) for pid in pids if pid > 1]


def _name_and_parent(pid: int) -> tuple[str, int]:
    stat = Path(f"/proc/{pid}/stat").read_text()
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    return name, int(stat[stat.rindex(")") + 2 :].split()[1])


def _wait_and_end(pidfds: list[int]) -> None:
    poll = select.poll()
    for pidfd in pidfds:
        poll.register(pidfd, select.POLLIN)
    poll.poll()
    for child in _descendants(os.getpid()):
        _kill(child)
    os.kill(os.getpid(), signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    children = [
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in task.read_text().split()
    ]
    return [*children, *(grandchild for child in children for grandchild in _descendants(child))]


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
