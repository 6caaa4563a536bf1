"""The outer walls: namespaces around a worker, with a file system made for it.

Inside: the Python installation and the system's libraries read-only, three devices, an empty `/box` where
each program's scratch is mounted, no /proc, no /sys, a network without interfaces, no other process.
"""

import os
import stat
from pathlib import Path

from jz3.sandbox import kernel
from jz3.sandbox.protocol import WorkerConfig

# Not /dev/zero: a shared mapping of it is memory that no limit of the process counts.
DEVICES = ("/dev/null", "/dev/urandom", "/dev/random")
BOX = "/box"
SCRATCH = "/box/tmp"
"""A program's folder. A rule for /box covers whatever is mounted below it, so it can be made once."""
SCRATCH_BYTES = 16 << 20  # chosen: room for a figure or a table; no address-space limit counts this memory
_SCRATCH_INODES = 4096  # chosen: each costs about 1 kB of the kernel's memory


def is_there(path: str) -> bool:
    """Whether this user can see a path. (`Path.exists` raises if a folder may not be searched.)"""
    return os.path.exists(path)  # noqa: PTH110 (as said)


class ProcFiles:
    """Files of /proc that are opened before the walls close, and used only by the zygote."""

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

    def open_for_writing(self, path: str) -> int | None:
        """A descriptor; None if the kernel does not allow writing."""
        try:
            return os.open(path, os.O_WRONLY | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError:
            return None

    def try_write(self, path: str, text: str) -> bool:
        """Write a text; False if the kernel does not allow it: older kernels, containers with a read-only
        /proc.
        """
        try:
            self.write(path, text)
        except OSError:
            return False
        return True


def enter_namespaces(config: WorkerConfig, proc: ProcFiles) -> None:
    """Put this process inside the walls; its next child is the first process of a new process namespace.

    This process itself stays outside that namespace, so that no program can address it.
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


def finish_bubblewrap() -> None:
    """Remove what bubblewrap itself must leave: /proc, and devices whose times and modes can be set.

    Raises OSError if the zygote was given no capabilities over its namespaces.
    """
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.detach("/proc")
    for device in DEVICES:
        kernel.make_readonly(device, kernel.DEVICE_READONLY)


def mount_scratch() -> None:
    """Mount an empty scratch in a new mount namespace: its contents disappear with the process."""
    kernel.unshare(kernel.CLONE_NEWNS)
    options = f"size={SCRATCH_BYTES},nr_inodes={_SCRATCH_INODES},mode=1777"
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    kernel.mount("tmpfs", SCRATCH, "tmpfs", flags, options)


def _make_root(config: WorkerConfig) -> None:
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("tmpfs", config.base, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m,mode=755")
    os.chdir(config.base)  # from here on relative names, equally long wherever the folder is
    for path in config.readonly_paths:
        inside = f".{path}"
        if Path(path).is_symlink():  # /lib -> usr/lib
            _make_folders(str(Path(inside).parent))
            Path(inside).symlink_to(Path(path).readlink())
        elif is_there(path):
            _bind(path, inside, kernel.FILES_READONLY)
    for path in DEVICES:
        _bind(path, f".{path}", kernel.DEVICE_READONLY)
    for path in (SCRATCH, "/.old"):
        _make_folders(f".{path}")
    if not Path("tmp").exists():  # if Python itself is below /tmp, it stays as it is
        Path("tmp").symlink_to(SCRATCH[1:])
    kernel.pivot_root(".", "./.old")
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
