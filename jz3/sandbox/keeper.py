"""The half of a worker that sees programs and outputs. It takes jobs from the host, has the zygote fork a
process for each, passes it the program, reads its output, and kills it at its limits.

It is outside the programs' process namespace, if there is one.
"""

import json
import math
import os
import select
import signal
import time
from _socket import socket
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from jz3.sandbox.channel import FAILED, MESSAGE_BYTES, receive_descriptor, send_job
from jz3.sandbox.kernel import Reaper
from jz3.sandbox.protocol import Hello, WorkerConfig, read_frame, write_frame
from jz3.sandbox.result import Ending, Stop
from jz3.sandbox.walls import ProcFiles

READY = b"R"
"""A process's message that its walls stand."""

_STDERR_TAIL = 8192  # bytes; the last line of an error fits
_STDERR_LIMIT = 1 << 20  # chosen: more is a runaway loop, not a message
_BYTES_PER_CHARACTER = 4  # the most, in UTF-8
_REMOVAL_SECONDS = 0.02  # measured: 10 ms from the kill to the next program, 13 to 28 on busy cores
_THREADS = 64  # chosen: numeric libraries are held to one thread, so programs need few
_LEAST_OF_USER = 257  # numbers from here on take memory in the program's process, the same for all of them
_MOST_THREADS = 4096  # chosen: for a user whose other processes count, too
_START_GRACE_SECONDS = 5  # chosen: as the host waits for a worker after a program's own limit
_REHEARSALS = 8  # measured: after this many the interpreter has specialised what runs between two forks


class Keeper:
    """Serves the host of one worker."""

    def __init__(
        self, config: WorkerConfig, proc: ProcFiles, zygote: socket, jobs: int, endings: int
    ) -> None:
        self._config = config
        self._proc = proc
        self._zygote = zygote
        self._jobs = jobs
        self._endings = endings

    def serve(self, *, fixed_addresses: bool) -> NoReturn:
        """Serve until the host closes the channel or the zygote dies."""
        message = self._zygote.recv(MESSAGE_BYTES)
        if not message:
            os._exit(1)  # its last words are on standard error
        hello = Hello(**json.loads(message))
        self._shares_user = hello.uid is None and self._config.wall in ("none", "root")
        for _ in range(_REHEARSALS):
            self.run("")
        write_frame(self._endings, vars(replace(hello, address_ranges=[]) if fixed_addresses else hello))
        os.dup2(0, 2)
        while (job := read_frame(self._jobs)) is not None:
            write_frame(self._endings, dict(self.run(job["program"])))
        os._exit(0)

    def run(self, program: str) -> Ending:
        """Run one program to its end, however it ends. Its time includes the fork and the removal of the
        process.
        """
        try:
            return self._run(program.encode("utf-8", "surrogatepass"))
        except OSError as error:  # no process or descriptor left: the program did not run
            return _not_run(str(error))

    def _run(self, source: bytes) -> Ending:
        removal = min(_REMOVAL_SECONDS, self._config.wall_seconds / 10)
        deadline = time.monotonic() + self._config.wall_seconds - removal
        with _Pipes() as pipes:
            send_job(self._zygote, len(source), self._threads(), pipes.far)
            pipes.close_far()
            pidfd = self._process(deadline)
            if isinstance(pidfd, str):
                return _not_run(pidfd)
            pipes.near.append(pidfd)
            watch = _Watch(pidfd, pipes, source, self._jobs, self._zygote.fileno(), deadline, self._config)
            stopped = watch.until_end()
            told = os.read(pipes.status, 4096)
        return self._ending(watch, stopped, told)

    def _process(self, deadline: float) -> int | str:
        """A descriptor of the new process, or why there is none."""
        waiting = select.poll()
        waiting.register(self._zygote.fileno(), select.POLLIN)
        # If it takes longer, the host counts this worker as lost.
        while not waiting.poll(1000):
            if time.monotonic() > deadline + _START_GRACE_SECONDS:
                os._exit(1)
        answer = receive_descriptor(self._zygote)
        if isinstance(answer, int):
            return answer
        if not answer.startswith(FAILED):
            os._exit(1)  # the zygote is dead
        return answer[len(FAILED) :].decode("utf-8", "replace")

    def _threads(self) -> int:
        """The limit on a user's threads. If programs have no user of their own, other threads count, too:
        this allows for all threads of the machine, which are at least as many as the user's.
        """
        if not self._shares_user:
            return _THREADS
        now = int(self._proc.read("loadavg").split()[3].split("/")[1])
        return min(max(now + _THREADS, _LEAST_OF_USER), _MOST_THREADS)

    def _ending(self, watch: "_Watch", stopped: Stop, told: bytes) -> Ending:
        code, cpu_seconds = Reaper.ending_of(watch.ended)
        ended_by = max(-code, 0)
        at_cpu_limit = cpu_seconds >= self._config.cpu_seconds
        if not stopped and (ended_by == signal.SIGXCPU or (ended_by == signal.SIGKILL and at_cpu_limit)):
            stopped = "cpu"
        text = watch.out.decode("utf-8", "replace")
        if len(text) > self._config.output_characters:
            stopped = "output"
        return Ending(
            stdout=text[: self._config.output_characters],
            stderr_tail=watch.err_tail.decode("utf-8", "replace"),
            exit_code=code if code >= 0 else None,
            signal=ended_by,
            stopped=stopped,
            setup_error="" if told == READY else told.decode("utf-8", "replace") or "ended before it began",
        )


class _Pipes:
    """Both ends of a program's input and outputs; closed at the end of the `with`."""

    def __init__(self) -> None:
        self.near: list[int] = []
        self.far: tuple[int, int, int, int]

    def __enter__(self) -> "_Pipes":
        far: list[int] = []
        try:
            for written in (False, True, True, True):
                reader, writer = os.pipe()
                self.near.append(reader if written else writer)
                far.append(writer if written else reader)
        except OSError:
            self._close(far)
            self.__exit__()
            raise
        self.program, self.out, self.err, self.status = self.near
        self.far = (far[0], far[1], far[2], far[3])
        os.set_blocking(self.program, False)
        return self

    def close_far(self) -> None:
        self._close(list(self.far))

    def close_program(self) -> None:
        self.near.remove(self.program)
        os.close(self.program)

    def __exit__(self, *_: object) -> None:
        self._close(self.near)

    def _close(self, fds: list[int]) -> None:
        while fds:
            os.close(fds.pop())


class _Watch:
    """One running program: its source, its output, its limits, and whether the host is still there."""

    def __init__(
        self,
        pidfd: int,
        pipes: _Pipes,
        source: bytes,
        jobs: int,
        zygote: int,
        deadline: float,
        config: WorkerConfig,
    ) -> None:
        self.out = bytearray()
        self.err_tail = bytearray()
        self.ended = b""
        self._pidfd = pidfd
        self._pipes = pipes
        self._left = memoryview(source)
        self._jobs = jobs
        self._zygote = zygote
        self._limit = config.output_characters * _BYTES_PER_CHARACTER
        self._err_bytes = 0
        self._deadline = deadline
        self._poll = select.poll()
        for fd in (pipes.out, pipes.err, zygote):
            self._poll.register(fd, select.POLLIN)
        self._poll.register(jobs, 0)  # only its end

    def until_end(self) -> Stop:
        """Wait until the program is dead and its output read; return what made us stop it, if anything."""
        stopped: Stop = ""
        open_fds = {self._pipes.out, self._pipes.err, self._zygote}
        self._poll.register(self._pipes.program, select.POLLOUT)
        self._give()
        while open_fds:
            left = self._deadline - time.monotonic()
            if left <= 0 and not stopped:
                stopped = self._kill("wall")
            ready = {fd for fd, _ in self._poll.poll(math.ceil(max(left, 0) * 1000) if not stopped else None)}
            if self._jobs in ready:
                self._kill("wall")
                os._exit(0)
            if self._pipes.program in ready:
                self._give()
            for fd in sorted(ready & open_fds):
                if not self._take(fd):
                    open_fds.remove(fd)
                    self._poll.unregister(fd)
            if not stopped and (len(self.out) > self._limit or self._err_bytes > _STDERR_LIMIT):
                stopped = self._kill("output")
        return stopped

    def _give(self) -> None:
        """Write as much of the source as the pipe accepts; close it at the end, or if nobody reads."""
        try:
            self._left = self._left[os.write(self._pipes.program, self._left) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left:
            self._poll.unregister(self._pipes.program)
            self._pipes.close_program()

    def _take(self, fd: int) -> bool:
        """Read what is available; False at the end."""
        part = os.read(fd, 1 << 16)
        if fd == self._zygote:
            if not part:
                os._exit(1)  # the zygote is dead: the program's end is unknown
            self.ended = part
            return False
        if fd == self._pipes.err:
            self._err_bytes += len(part)
            self.err_tail = (self.err_tail + part)[-_STDERR_TAIL:]
        elif len(self.out) <= self._limit:
            self.out += part
        return bool(part)

    def _kill(self, reason: Stop) -> Stop:
        with suppress(ProcessLookupError):  # it has ended by itself, and its zygote is about to report that
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        return reason


def _not_run(reason: str) -> Ending:
    return Ending(stdout="", stderr_tail="", exit_code=None, signal=0, stopped="", setup_error=reason)
