"""The warm interpreter: it enters the walls, loads the libraries, then forks one child for each program.

Started by the host as a script with its configuration as the only argument; jobs come on standard input,
endings go out on standard output. It ends when the host does: the channel closes.
"""

import gc
import json
import math
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jz3.sandbox import kernel, landlock, seccomp
from jz3.sandbox.program import preload, run_program
from jz3.sandbox.protocol import Hello, WorkerConfig, read_frame, write_frame
from jz3.sandbox.result import Ending, Stop
from jz3.sandbox.walls import (
    BOX,
    DEVICES,
    SCRATCH,
    SCRATCH_BYTES,
    ProcFiles,
    enter_namespaces,
    finish_bubblewrap,
    mount_scratch,
)
from jz3.sandbox.warm import warm_up

_READY = b"R"
_STDERR_TAIL = 8192  # bytes; the last line of an error fits
_STDERR_LIMIT = 1 << 20  # chosen: more is a runaway loop, not a message
_BYTES_PER_CHARACTER = 4  # at most, in UTF-8
_REMOVAL_SECONDS = 0.02  # measured: 10 ms from the kill to the next program, 13 to 28 on busy cores
_THREADS_OF_OWN_USER = 64  # chosen: numeric libraries are held to one thread, so programs need few
_THREADS_OF_SHARED_USER = 4096  # counts all threads of the user; the address space bounds those of a program
_PID_OF_PROGRAMS = 3  # any that is free; one for all, so that no program prints another
_STATUS_FD, _RULES_FD, _ALL_FDS = 100, 101, 1 << 16


class Zygote:
    """What is made once for all programs of a worker."""

    def __init__(self, config: WorkerConfig) -> None:
        """Enter the walls. Before that, nothing of the machine is out of reach; after it, all is."""
        self.proc = ProcFiles()
        self.config = config
        self.proc.try_write("self/oom_score_adj", "1000")  # rather a program than the training run
        may_change_uid = os.geteuid() == 0 and config.wall != "user"
        self.own_uid = _unused_uid(config.uid, self.proc) if may_change_uid else None
        if config.wall in ("root", "user"):
            enter_namespaces(config, self.proc)
        os.chdir("/")
        if config.wall == "bwrap" and _succeeds_in_child(finish_bubblewrap):
            finish_bubblewrap()
        self.has_scratch = config.wall != "none" and _succeeds_in_child(mount_scratch)
        self.real_uid_only = self.own_uid is not None and not _succeeds_in_child(
            self._read_library_as_own_uid
        )
        self.place = config.base if config.wall == "none" else SCRATCH
        self.rules = self._make_rules() if config.landlock else None
        self.filter = seccomp.filter_program(
            files_change=self.has_scratch or config.landlock, metadata_change=self.has_scratch
        )
        self.address_space = 0
        kernel.drop_bounding_capabilities()

    def load(self) -> None:
        """Import and warm up the libraries; what is alive afterwards is shared by all programs."""
        sys.path.extend(path for path in self.config.library_paths if path not in sys.path)
        preload(self.config.preload)
        warm_up()
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection here would only copy pages
        kernel.use_huge_pages(self.proc.read("self/maps"))
        pages = int(self.proc.read("self/statm").split()[0])
        self.address_space = pages * resource.getpagesize() + self.config.memory_bytes

    def run(self, program: str, jobs: int) -> Ending:
        """Run one program to its end, whatever that is. Its time counts from here on until it is gone: the
        fork is in it, and so is its removal.
        """
        removal = min(_REMOVAL_SECONDS, self.config.wall_seconds / 10)
        deadline = time.monotonic() + self.config.wall_seconds - removal
        out, out_child = os.pipe()
        err, err_child = os.pipe()
        status, status_child = os.pipe()
        if self.config.wall != "none":
            self.proc.try_write("sys/kernel/ns_last_pid", str(_PID_OF_PROGRAMS - 1))
        zygote = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._be_program(program, zygote, out_child, err_child, status_child)
        for fd in (out_child, err_child, status_child):
            os.close(fd)
        watch = _Watch(pid, out, err, jobs, deadline, self.config)
        stopped = watch.until_end()
        _, wait_status, usage = os.wait4(pid, 0)
        told = os.read(status, 4096)
        for fd in (out, err, status, watch.pidfd):
            os.close(fd)
        return self._ending(watch, stopped, wait_status, usage, told)

    def _ending(
        self, watch: "_Watch", stopped: Stop, wait_status: int, usage: resource.struct_rusage, told: bytes
    ) -> Ending:
        code = os.waitstatus_to_exitcode(wait_status)
        ended_by = max(-code, 0)
        at_cpu_limit = usage.ru_utime + usage.ru_stime >= self.config.cpu_seconds
        if not stopped and (ended_by == signal.SIGXCPU or (ended_by == signal.SIGKILL and at_cpu_limit)):
            stopped = "cpu"
        text = watch.out.decode("utf-8", "replace")
        if len(text) > self.config.output_characters:
            stopped = "output"
        return Ending(
            stdout=text[: self.config.output_characters],
            stderr_tail=watch.err_tail.decode("utf-8", "replace"),
            exit_code=code if code >= 0 else None,
            signal=ended_by,
            stopped=stopped,
            setup_error="" if told == _READY else told.decode("utf-8", "replace") or "ended before it began",
        )

    def _be_program(self, program: str, zygote: int, out: int, err: int, status: int) -> None:
        """The child: never returns. Where a wall does not stand, the program does not run."""
        try:
            self._close_in(zygote, out, err, status)
        except BaseException as error:  # told to the host, whatever it is
            os.write(_STATUS_FD, f"{type(error).__name__}: {error}".encode())
            os._exit(1)
        code = 1
        try:
            code = run_program(program, self.place)
        finally:
            os._exit(code)  # the interpreter's own finish would touch, and so copy, 100 MB of pages

    def _close_in(self, zygote: int, out: int, err: int, status: int) -> None:
        os.dup2(status, _STATUS_FD)
        if self.rules is not None:
            os.dup2(self.rules, _RULES_FD)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, _STATUS_FD)
        os.closerange(_RULES_FD + 1, _ALL_FDS)
        if self.has_scratch:
            mount_scratch()
        os.chdir(self.place)
        if self.rules is not None:
            landlock.restrict(_RULES_FD)
            os.close(_RULES_FD)
        shares_user = self.own_uid is None and self.config.wall in ("none", "root")
        kernel.limit_resources(
            address_space=self.address_space,
            cpu_seconds=self.config.cpu_seconds,
            file_bytes=SCRATCH_BYTES,
            threads=_THREADS_OF_SHARED_USER if shares_user else _THREADS_OF_OWN_USER,
        )
        self._become_own_uid()
        kernel.drop_capabilities()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        if os.getppid() != zygote:
            os._exit(1)
        seccomp.install(self.filter, os.getpid())
        os.write(_STATUS_FD, _READY)
        os.close(_STATUS_FD)

    def _become_own_uid(self) -> None:
        if self.own_uid is None:
            return
        uid = self.own_uid
        effective = 0 if self.real_uid_only else uid
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, effective, effective)

    def _read_library_as_own_uid(self) -> None:
        self._become_own_uid()
        with Path(os.__file__).open("rb"):
            pass

    def _make_rules(self) -> int:
        writable = ["/dev/null", BOX] if self.has_scratch else ["/dev/null"]
        return landlock.make_ruleset([*self.config.readonly_paths, *DEVICES, self.place], writable)


class _Watch:
    """One running program: its output, its limits, and whether the host is still there."""

    def __init__(
        self, pid: int, out: int, err: int, jobs: int, deadline: float, config: WorkerConfig
    ) -> None:
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.out = bytearray()
        self.err_tail = bytearray()
        self._out_fd = out
        self._err_fd = err
        self._jobs = jobs
        self._limit = config.output_characters * _BYTES_PER_CHARACTER
        self._err_bytes = 0
        self._deadline = deadline
        self._poll = select.poll()
        for fd in (out, err, self.pidfd):
            self._poll.register(fd, select.POLLIN)
        self._poll.register(jobs, 0)  # only its end

    def until_end(self) -> Stop:
        """Wait until the program is dead and its output read; what stopped it, if we did."""
        stopped: Stop = ""
        open_fds = {self._out_fd, self._err_fd, self.pidfd}
        while open_fds:
            left = self._deadline - time.monotonic()
            if left <= 0 and not stopped:
                stopped = self._kill("wall")
            ready = {fd for fd, _ in self._poll.poll(math.ceil(max(left, 0) * 1000) if not stopped else None)}
            if self._jobs in ready:
                self._kill("wall")
                os._exit(0)
            for fd in sorted(ready & open_fds):
                if fd == self.pidfd or not self._take(fd):
                    open_fds.remove(fd)
                    self._poll.unregister(fd)
            if not stopped and (len(self.out) > self._limit or self._err_bytes > _STDERR_LIMIT):
                stopped = self._kill("output")
        return stopped

    def _take(self, fd: int) -> bool:
        part = os.read(fd, 1 << 16)
        if fd == self._err_fd:
            self._err_bytes += len(part)
            self.err_tail = (self.err_tail + part)[-_STDERR_TAIL:]
        elif len(self.out) <= self._limit:
            self.out += part
        return bool(part)

    def _kill(self, reason: Stop) -> Stop:
        os.kill(self.pid, signal.SIGKILL)
        return reason


def _unused_uid(wanted: int, proc: ProcFiles) -> int | None:
    """A user that nobody is, among those mapped here; None where only one is, as in rootless containers.

    The kernel does not count the threads of root, and a user of its own owns no file.
    """
    rows = [tuple(map(int, line.split())) for line in proc.read("self/uid_map").splitlines()]
    if any(first <= wanted < first + size for first, _, size in rows):
        return wanted
    first, _, size = max(rows, key=lambda row: row[0] + row[2])
    uid = first + size - 1 - wanted % min(size, 128) // 2
    return uid if uid > 1000 and uid != 65534 else None  # 65534 is `nobody`, who is somebody


def _succeeds_in_child(action: Callable[[], None]) -> bool:
    """Whether something irrevocable works here, tried in a process that ends with it."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _take_channel() -> tuple[int, int]:
    """Move the channel off the standard numbers, so that nothing that prints can reach it."""
    jobs, endings = os.dup(0), os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return jobs, endings


def _forget_ourselves() -> None:
    """A program sees the installed packages, not ours."""
    sys.path.pop(0)
    for name in [name for name in sys.modules if name.split(".")[0] == "jz3"]:
        del sys.modules[name]


def main() -> None:
    zygote = Zygote(WorkerConfig(**json.loads(sys.argv[1])))
    jobs, endings = _take_channel()
    _forget_ourselves()
    zygote.load()
    hello = Hello(
        landlock_abi=landlock.landlock_abi(), scratch="writable" if zygote.has_scratch else "read-only"
    )
    write_frame(endings, vars(hello))
    os.dup2(0, 2)
    while (job := read_frame(jobs)) is not None:
        try:
            ending = zygote.run(job["program"], jobs)
        except OSError as error:  # no process or no descriptor left: the program did not run
            ending = Ending(
                stdout="", stderr_tail="", exit_code=None, signal=0, stopped="", setup_error=str(error)
            )
        write_frame(endings, dict(ending))


if __name__ == "__main__":
    main()
