"""Programs that are forked from a process that has imported everything already.

Most of what a short program costs is its imports: half a second for polars, pydantic and numpy, and 6 s for
torch and the Trainer. A program that is forked has them. All else is as it always is: a process of its own,
with its own folder, environment, command line and exit.

`python -m tests.forked_programs SOCKET PACKAGES` is that process; it ends with the one that started it.
"""

import atexit
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import contextmanager
from pathlib import Path

LONGEST_REQUEST = 1 << 20
"""Bytes of a command with its environment."""


def pair():
    """Two sockets, each of which takes a whole request at a time."""
    both = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for one in both:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST_REQUEST)
    return both


def ask(asking, words, folder, environment, outputs=()):
    """Have a program run: `-m MODULE ARGUMENTS` or `FILE ARGUMENTS`. `outputs` are files for what it prints
    and for its errors. Returns its exit status.
    """
    request = {"words": words, "folder": str(folder), "environment": environment}
    asking.sendall(json.dumps(request | {"outputs": [str(output) for output in outputs]}).encode())
    return int(asking.recv(LONGEST_REQUEST))


def serve(asked, packages):
    """Run each program that is asked for and tell its exit status, until the other end is closed."""
    for name in packages:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # a training collects garbage twice, which would copy each page of what was imported
    while request := asked.recv(LONGEST_REQUEST):
        program = json.loads(request)
        process = os.fork()
        if process == 0:
            asked.close()
            ended(lambda: _run(**program))  # noqa: B023 (called before the next one)
        running = os.pidfd_open(process)
        if asked in select.select([asked, running], [], [])[0]:
            os.kill(process, signal.SIGKILL)  # who asked has ended
            return
        os.close(running)
        asked.sendall(str(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])).encode())


def _run(words, folder, environment, outputs):
    for standard, output in enumerate(outputs, start=1):
        os.dup2(os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), standard)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if words[0] == "-m":
        _, module, *sys.argv[1:] = words
        sys.modules.pop(module, None)  # it runs as `__main__`
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path[0] = str(Path(words[0]).parent)
        runpy.run_path(words[0], run_name="__main__")


def ended(run):
    """Run this in a forked process, which then ends as Python does."""
    status = 1
    try:
        run()
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


@contextmanager
def forking(packages):
    """The socket by which programs are asked for that have these packages."""
    asking, asked = pair()
    command = [sys.executable, "-m", "tests.forked_programs", str(asked.fileno()), *packages]
    root = Path(__file__).parent.parent
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(root)}
    serving = subprocess.Popen(command, pass_fds=[asked.fileno()], env=environment, cwd=root)
    asked.close()
    try:
        yield asking
    finally:
        asking.close()
        assert serving.wait(60) == 0


if __name__ == "__main__":
    ended(lambda: serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:]))
