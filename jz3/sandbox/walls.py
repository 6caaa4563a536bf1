"""The outer walls: namespaces of one's own around a worker, with a file system made for it.

Inside: the Python installation and the system's libraries read-only, four devices, an empty `/box` where each
program's scratch is mounted, no /proc, no /sys, a network without interfaces, no other process.
"""

import os
import stat
from pathlib import Path

from jz3.sandbox import kernel
from jz3.sandbox.protocol import WorkerConfig

DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
BOX = "/box"
SCRATCH = "/box/tmp"
"""Where a program stands. A rule for /box holds for whatever is mounted below it, so it can be made once."""
SCRATCH_BYTES = 16 << 20  # chosen: room for a figure or a table; memory that no address-space limit counts
_SCRATCH_INODES = 4096  # chosen: each costs about 1 kB of the kernel's memory


class ProcFiles:
    """The files of /proc, opened before the walls close and used by the zygote alone."""

    def __init__(self) -> None:
        self._folder = os.open("/proc", os.O_RDONLY | os.O_CLOEXEC)

    def read(self, path: str) -> str:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._folder)) as file:
            return file.read()

    def write(self, path: str, text: str) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._folder)
        try:
            os.write(fd, text.encode())
        finally:
            os.close(fd)

    def try_write(self, path: str, text: str) -> bool:
        """False where the kernel does not let us: older kernels, containers with a read-only /proc."""
        try:
            self.write(path, text)
        except OSError:
            return False
        return True


def enter_namespaces(config: WorkerConfig, proc: ProcFiles) -> None:
    """Return in a new process, the first of its process namespace, inside the walls.

    The process that called waits outside for the end of it, and never returns.
    """
    flags = kernel.CLONE_NEWNS | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
    flags |= kernel.CLONE_NEWIPC | kernel.CLONE_NEWUTS
    uid, gid = os.getuid(), os.getgid()
    if config.wall == "user":
        kernel.unshare(flags | kernel.CLONE_NEWUSER)
        proc.try_write("self/setgroups", "deny")
        proc.write("self/uid_map", f"{uid} {uid} 1")
        proc.write("self/gid_map", f"{gid} {gid} 1")
    else:
        kernel.unshare(flags)
    _make_root(config)
    kernel.set_host_name(b"sandbox")
    _go_on_in_first_process()


def finish_bubblewrap() -> None:
    """Take away what bubblewrap itself must leave: /proc, and devices whose times and modes can be set.

    Raises OSError where the zygote was given no capabilities over its namespaces.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.detach("/proc")
    for device in DEVICES:
        kernel.make_readonly(device, kernel.DEVICE_READONLY)


def mount_scratch() -> None:
    """A mount namespace of one's own with an empty scratch: what it holds ends with the process."""
    kernel.unshare(kernel.CLONE_NEWNS)
    options = f"size={SCRATCH_BYTES},nr_inodes={_SCRATCH_INODES},mode=1777"
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("tmpfs", SCRATCH, "tmpfs", flags, options)


def _make_root(config: WorkerConfig) -> None:
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    root = config.base
    kernel.mount("tmpfs", root, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    for path in config.readonly_paths:
        if Path(path).is_symlink():  # /lib -> usr/lib
            _make_folders(root + str(Path(path).parent))
            Path(root + path).symlink_to(Path(path).readlink())
        elif Path(path).exists():
            _bind(path, root + path, kernel.FILES_READONLY)
    for path in DEVICES:
        _bind(path, root + path, kernel.DEVICE_READONLY)
    for path in (SCRATCH, "/.old"):
        _make_folders(root + path)
    if not Path(root + "/tmp").exists():  # where Python itself lies below /tmp, it stays what it is
        Path(root + "/tmp").symlink_to(SCRATCH[1:])
    kernel.pivot_root(root, root + "/.old")
    os.chdir("/")
    kernel.detach("/.old")
    Path("/.old").rmdir()
    kernel.mount(None, "/", None, kernel.MS_REMOUNT | kernel.MS_BIND | kernel.FILES_READONLY)


def _bind(source: str, target: str, flags: int) -> None:
    if stat.S_ISDIR(Path(source).stat().st_mode):
        _make_folders(target)
    else:
        _make_folders(str(Path(target).parent))
        Path(target).touch()
    kernel.mount(source, target, None, kernel.MS_BIND | kernel.MS_REC)
    kernel.make_readonly(target, flags)


def _make_folders(path: str) -> None:
    Path(path).mkdir(mode=0o755, parents=True, exist_ok=True)


def _go_on_in_first_process() -> None:
    outside = os.getpid()
    child = os.fork()
    if child == 0:
        # Where the waiting process is killed, this one goes too, and with it all in its namespace.
        kernel.prctl(kernel.PR_SET_PDEATHSIG, 9)
        return
    assert os.getpid() == outside
    os.closerange(0, 256)  # the channel's ends must be held by the zygote alone
    os.waitpid(child, 0)
    os._exit(0)
