"""One warm worker as the host sees it: a process, a channel, and its state."""

import dataclasses
import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jz3.sandbox.folders import make_folder, remove_folder, standing_folder
from jz3.sandbox.marks import Marks
from jz3.sandbox.protocol import HEADER, Hello, WorkerConfig, pack
from jz3.sandbox.result import LOST, Ending, ProgramResult, last_line, result_of
from jz3.sandbox.walls import SCRATCH

_START_SECONDS = 120  # chosen: sympy imports in one second, but a laptop with all cores busy needs many
_GRACE_SECONDS = 5  # chosen: how long after a program's own limit its worker counts as hung
# Addresses of objects depend on the length of earlier texts, so these have the same length wherever temporary
# folders are. Chosen: longer than either is in practice, far below the limit of a command line.
_FOLDER_LENGTH = 256
_CONFIG_LENGTH = 8192

# Everything that a worker and its programs see of the environment.
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": SCRATCH,
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMEXPR_NUM_THREADS": "1",
}


class WorkerFailed(Exception):  # noqa: N818 (what happened, caught by the pool)
    """A worker did not start; the message is the last that it printed."""


@dataclass(frozen=True)
class Launch:
    """How to start a worker: the words before the interpreter, and its configuration."""

    prefix: tuple[str, ...]
    config: WorkerConfig


class Worker:
    """A zygote process. It may die at any time; then this is reported, and it starts again."""

    def __init__(self, launch: Launch) -> None:
        """Start it without waiting; `hello` waits until it is warm."""
        self._base = make_folder("sandbox")
        Path(self._base).chmod(0o755)
        # Trailing slashes do not change a path.
        config = dataclasses.replace(launch.config, base=self._base.ljust(_FOLDER_LENGTH, "/"))
        if config.wall == "none":
            config = dataclasses.replace(config, place=standing_folder() or self._base)
        zygote = str(Path(__file__).with_name("zygote.py"))
        # No packages of the user, none beside the script, no bytecode written.
        told = json.dumps(dataclasses.asdict(config)).ljust(_CONFIG_LENGTH)
        interpreter = [sys.executable, "-s", "-P", "-B", zygote, told]
        self._command = [word.replace("{base}", self._base) for word in launch.prefix] + interpreter
        self._limit = config.wall_seconds + _GRACE_SECONDS
        self._place = config.place
        self._begin()

    def _begin(self) -> None:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=_ENVIRONMENT,
            cwd="/",
            bufsize=0,
            start_new_session=True,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._to, self._from = self._process.stdin.fileno(), self._process.stdout.fileno()
        self._stderr = self._process.stderr
        os.set_blocking(self._to, False)
        self._received = bytearray()
        self._deadline = time.monotonic() + _START_SECONDS

    def fileno(self) -> int:
        """Readable when there is an answer, or when the worker has ended."""
        return self._from

    def hello(self) -> Hello:
        """Wait until the worker is warm. Raises WorkerFailed with its last words if it does not start."""
        message = None
        while message is None:
            if not _wait(self._from, select.POLLIN, self.seconds_left()) or not self._read():
                raise WorkerFailed(last_line(self._kill()) or "no answer")
            message = self._message()
        hello = Hello(**message)
        self._marks = Marks(
            folder=self._base if self._place == self._base else "",
            uid=hello.uid,
            address_ranges=tuple(range(*place) for place in hello.address_ranges),
        )
        return hello

    def seconds_left(self) -> float:
        """Seconds until the worker must have answered."""
        return max(self._deadline - time.monotonic(), 0.0)

    def send(self, program: str) -> None:
        """Pass it a program. The result shows if the worker is dead or hangs."""
        self._deadline = time.monotonic() + self._limit
        left = memoryview(pack({"program": program}))
        while left and _wait(self._to, select.POLLOUT, self.seconds_left()):
            try:
                left = left[os.write(self._to, left) :]
            except BrokenPipeError:
                return

    def run(self, program: str) -> ProgramResult:
        """Pass it a program and wait for the result."""
        self.send(program)
        while _wait(self._from, select.POLLIN, self.seconds_left()):
            result = self.take()
            if result is not None:
                return result
        return self.give_up()

    def take(self) -> ProgramResult | None:
        """The result, or None if it is not complete yet. A worker that died is started again."""
        if self._read():
            message = self._message()
            return None if message is None else result_of(cast("Ending", message), self._marks)
        return self.give_up()

    def give_up(self) -> ProgramResult:
        """Kill the worker with its program and start it again; return the result of a lost program."""
        self._kill()
        self._begin()
        self.hello()
        return LOST

    def close(self) -> None:
        """End the worker and everything that it runs."""
        self._kill()
        with suppress(OSError):
            remove_folder(self._base)

    def _kill(self) -> str:
        """Kill all of the worker's processes; return its standard error."""
        if self._process.returncode is not None:  # waited for before
            return ""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        words = self._stderr.read().decode(errors="replace")
        self._process.wait()
        for fd in (self._process.stdin, self._process.stdout, self._stderr):
            assert fd is not None
            fd.close()
        return words

    def _read(self) -> bytes:
        part = os.read(self._from, 1 << 20)
        self._received += part
        return part

    def _message(self) -> dict[str, Any] | None:
        if len(self._received) < HEADER.size:
            return None
        (size,) = HEADER.unpack_from(self._received)
        if len(self._received) < HEADER.size + size:
            return None
        body = bytes(self._received[HEADER.size :])
        self._received.clear()
        return json.loads(body)


def _wait(fd: int, event: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(fd, event)
    return bool(poll.poll(seconds * 1000))
