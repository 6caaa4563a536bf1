"""The warm interpreter: it enters the walls, loads the libraries, then forks one child for each program.

The host starts it as a script with its configuration as the only argument; jobs come on standard input,
endings are written to standard output. There are two processes: the zygote proper, which never holds a
program or an output, and its keeper (keeper.py), which reads both. They end when the host does, because the
channel closes.
"""

import gc
import json
import os
import resource
import signal
import sys
from _socket import socket
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from jz3.sandbox import kernel, landlock, seccomp
from jz3.sandbox.addresses import layout_of
from jz3.sandbox.channel import FAILED, job_waits, make_channel, numbers_of, receive_job, send_descriptor
from jz3.sandbox.keeper import READY, Keeper
from jz3.sandbox.program import preload, read_program, run_program
from jz3.sandbox.protocol import Hello, WorkerConfig
from jz3.sandbox.walls import (
    BOX,
    DEVICES,
    SCRATCH_BYTES,
    ProcFiles,
    enter_namespaces,
    finish_bubblewrap,
    mount_scratch,
)
from jz3.sandbox.warm import warm_up

_STACK_BYTES = 8 << 20  # the usual limit of Linux, which decides where mappings begin
_PID_BEFORE_PROGRAMS = b"19"  # any with a free one after it; the same for all, so that all print the same
# Numbers up to 256 have no memory of their own, and process ids can be as small in a container.
_FAR = 1 << 20
_STATUS_FD, _RULES_FD, _PROGRAM_FD, _ALL_FDS = 100, 101, 102, 1 << 16


class Zygote:
    """What is made once for all programs of a worker."""

    def __init__(self, config: WorkerConfig, proc: ProcFiles, keeper: socket) -> None:
        """Created inside the walls; prepares what each program's walls need."""
        self._config = config
        self._proc = proc
        self._keeper = keeper
        may_change_uid = os.geteuid() == 0 and config.wall != "user"
        self._own_uid = _unused_uid(config.uid, proc) if may_change_uid else None
        self._has_scratch = config.wall != "none" and _succeeds_in_child(mount_scratch)
        self._real_uid_only = self._own_uid is not None and not _succeeds_in_child(
            self._read_library_as_own_uid
        )
        self._place = config.place
        self._rules = self._make_rules() if config.landlock else None
        self._next_pid = proc.open_for_writing("sys/kernel/ns_last_pid") if config.wall != "none" else None
        self._reaper = kernel.Reaper()

    def load(self) -> Hello:
        """Import and warm up the libraries; all programs share what is alive afterwards."""
        sys.path.extend(path for path in self._config.library_paths if path not in sys.path)
        preload(self._config.preload)
        warm_up()
        gc.collect()
        gc.freeze()
        gc.disable()  # a collection here would only copy pages
        maps = self._proc.read("self/maps")
        kernel.use_huge_pages(maps)
        layout = layout_of(maps)
        self._filter = seccomp.filter_program(
            layout.mapping_units(self._config.memory_bytes),
            files_change=self._has_scratch or self._config.landlock,
            metadata_change=self._has_scratch,
        )
        pages = int(self._proc.read("self/statm").split()[0])
        self._address_space = pages * resource.getpagesize() + self._config.memory_bytes
        return Hello(
            landlock_abi=landlock.landlock_abi(),
            scratch="writable" if self._has_scratch else "read-only",
            uid=self._own_uid,
            address_ranges=[
                (place.start, place.stop) for place in layout.with_room(self._config.memory_bytes)
            ],
        )

    def serve(self) -> tuple[int, str]:
        """Fork a process for each job until the keeper has gone. Returns in each of these processes, behind
        its walls: the size of its program and the folder in which it starts.
        """
        ourselves = _FAR + os.getpid()
        while (begun := self._serve_one(ourselves)) is None:
            pass
        return begun

    def _serve_one(self, ourselves: int) -> tuple[int, str] | None:
        """Like `serve`, for the next job. Returns None in the zygote, whose memory is then unchanged, because
        everything taken here is released in the opposite order. So each process is forked from the same
        memory, however many there were before.
        """
        if not job_waits(self._keeper):
            os._exit(0)
        pid = self._fork()
        if pid == 0:
            return self._begin_job(ourselves)
        if pid is not None:
            self._reaper.pass_on(pid, self._keeper.fileno())
        return None

    def _fork(self) -> int | None:
        """Fork like os.fork; if no process is left, tell the keeper."""
        try:
            if self._next_pid is not None:
                os.pwrite(self._next_pid, _PID_BEFORE_PROGRAMS, 0)
            return os.fork()
        except OSError as error:
            _, fds = receive_job(self._keeper)
            for fd in fds:
                os.close(fd)
            self._keeper.send(FAILED + str(error).encode())
            return None

    def _begin_job(self, zygote: int) -> tuple[int, str]:
        """In the child: take the job, pass the keeper a descriptor of this process, and put up the walls."""
        pidfd = os.pidfd_open(os.getpid())
        send_descriptor(self._keeper, pidfd)
        os.close(pidfd)
        packed, fds = receive_job(self._keeper)
        size, threads = numbers_of(packed)
        self._close_in(zygote, threads, fds)
        return size, self._place

    def _close_in(self, zygote: int, threads: int, fds: tuple[int, ...]) -> None:
        """In the child: put up the walls. If one does not stand, the program does not run."""
        try:
            self._raise_walls(zygote, threads, fds)
        except BaseException as error:  # reported to the host, whatever it is
            os.write(_STATUS_FD, f"{type(error).__name__}: {error}".encode())
            os._exit(1)

    def _raise_walls(self, zygote: int, threads: int, fds: tuple[int, ...]) -> None:
        program, out, err, status = fds
        os.dup2(status, _STATUS_FD)
        os.dup2(program, _PROGRAM_FD)
        if self._rules is not None:
            os.dup2(self._rules, _RULES_FD)
        os.dup2(out, 1)
        os.dup2(err, 2)
        os.closerange(3, _STATUS_FD)
        os.closerange(_PROGRAM_FD + 1, _ALL_FDS)
        if self._has_scratch:
            mount_scratch()
        os.chdir(self._place)
        # Its own open file: locks, flags and offsets of a shared one would outlive the program.
        null = os.open("/dev/null", os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        if self._rules is not None:
            landlock.restrict(_RULES_FD)
            os.close(_RULES_FD)
        kernel.limit_resources(
            address_space=self._address_space,
            cpu_seconds=self._config.cpu_seconds,
            file_bytes=SCRATCH_BYTES,
            threads=threads,
        )
        self._become_own_uid()
        kernel.drop_capabilities()
        # A page of 2 MB is kept whole as long as part of it is used, and no limit counts the rest.
        kernel.prctl(kernel.PR_SET_THP_DISABLE, 1)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        if _FAR + os.getppid() != zygote:
            os._exit(1)
        seccomp.install(self._filter, os.getpid())
        os.write(_STATUS_FD, READY)
        os.close(_STATUS_FD)

    def _become_own_uid(self) -> None:
        if self._own_uid is None:
            return
        uid = self._own_uid
        effective = 0 if self._real_uid_only else uid
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, effective, effective)

    def _read_library_as_own_uid(self) -> None:
        self._become_own_uid()
        with Path(os.__file__).open("rb"):
            pass

    def _make_rules(self) -> int:
        writable = ["/dev/null", BOX] if self._has_scratch else ["/dev/null"]
        return landlock.make_ruleset([*self._config.readonly_paths, *DEVICES, self._place], writable)


def _unused_uid(wanted: int, proc: ProcFiles) -> int | None:
    """A user id that nobody has, among those mapped here; None if only one is mapped, as in rootless
    containers.

    The kernel does not count the threads of root, and a user of its own owns no files.
    """
    rows = [tuple(map(int, line.split())) for line in proc.read("self/uid_map").splitlines()]
    if any(first <= wanted < first + size for first, _, size in rows):
        return wanted
    first, _, size = max(rows, key=lambda row: row[0] + row[2])
    uid = first + size - 1 - wanted % min(size, 128) // 2
    return uid if uid > 1000 and uid != 65534 else None  # 65534 is `nobody`, who is a real user


def _succeeds_in_child(action: Callable[[], None]) -> bool:
    """Whether something irrevocable works here; it is tried in a process that ends with it."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _take_channel() -> tuple[int, int]:
    """Move the channel away from the standard descriptors, so that nothing that prints can reach it."""
    jobs, endings = os.dup(0), os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    os.close(null)
    return jobs, endings


def _forget_ourselves() -> None:
    """Hide our modules: a program sees only the installed packages."""
    sys.path.pop(0)
    for name in [name for name in sys.modules if name.split(".")[0] == "jz3"]:
        del sys.modules[name]


def _fix_addresses() -> bool:
    """Whether addresses are the same in all workers; starts the interpreter again to achieve that."""
    if kernel.has_fixed_addresses():
        return True
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    size = _STACK_BYTES if hard == resource.RLIM_INFINITY else min(_STACK_BYTES, hard)
    resource.setrlimit(resource.RLIMIT_STACK, (size, hard))
    if kernel.fix_addresses():
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return False


def _enter_walls(config: WorkerConfig, proc: ProcFiles) -> None:
    """Enter the walls: before this, everything on the machine is within reach; after it, nothing is."""
    proc.try_write("self/oom_score_adj", "1000")  # kill a program rather than the training run
    if config.wall in ("root", "user"):
        enter_namespaces(config, proc)
    os.chdir("/")
    if config.wall == "bwrap" and _succeeds_in_child(finish_bubblewrap):
        finish_bubblewrap()


def _begin() -> tuple[int, str]:
    """Start zygote and keeper. Returns only in the process of each program, behind its walls."""
    fixed_addresses = _fix_addresses()
    config = WorkerConfig(**json.loads(sys.argv[1]))
    proc = ProcFiles()
    jobs, endings = _take_channel()
    _enter_walls(config, proc)
    ours, theirs = make_channel()
    keeper = _FAR + os.getpid()
    if os.fork() != 0:
        theirs.close()
        kernel.drop_bounding_capabilities()
        Keeper(config, proc, ours, jobs, endings).serve(fixed_addresses=fixed_addresses)
    # If the keeper is killed, this process ends, too, and with it everything in its namespace.
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
    if _FAR + os.getppid() not in (keeper, _FAR):  # 0: it is outside our process namespace
        os._exit(1)
    ours.close()
    os.close(jobs)
    os.close(endings)
    zygote = Zygote(config, proc, theirs)
    kernel.drop_bounding_capabilities()
    _forget_ourselves()
    theirs.send(json.dumps(vars(zygote.load())).encode())
    os.dup2(0, 2)
    return zygote.serve()


def main() -> None:
    size, place = _begin()
    program = read_program(_PROGRAM_FD, size)
    code = 1
    try:
        code = run_program(program, place)
    finally:
        os._exit(code)  # the interpreter's own shutdown would touch, and so copy, 100 MB of pages


if __name__ == "__main__":
    main()
