"""System calls that the standard library lacks, by ctypes: namespaces, mounts, capabilities, limits.

Linux on x86-64 and aarch64. Every function raises OSError with the kernel's reason if the kernel refuses.
"""

import ctypes
import os
import platform
import resource
import struct
import sys
from typing import NoReturn

libc = ctypes.CDLL(None, use_errno=True)
MACHINE = platform.machine()
IS_X86 = MACHINE == "x86_64"

CLONE_NEWNS = 0x20000
CLONE_NEWUTS = 0x4000000
CLONE_NEWIPC = 0x8000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
_MS_NOATIME, _MS_NODIRATIME, _MS_RELATIME, _ST_RELATIME = 1024, 2048, 1 << 21, 4096
_MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_NO_NEW_PRIVS = 38
PR_SET_THP_DISABLE = 41
PR_CAP_AMBIENT = 47
_CAP_AMBIENT_CLEAR_ALL = 4
_SECBITS_NO_ROOT_LOCKED = 0x2F  # NOROOT, NO_SETUID_FIXUP and KEEP_CAPS, each locked
_CAPABILITY_VERSION_3 = 0x20080522

_NR_PIVOT_ROOT = 155 if IS_X86 else 41
_NR_CAPSET = 126 if IS_X86 else 91
_NR_MOUNT_SETATTR = 442
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_MADV_COLLAPSE = 25
_ADDR_NO_RANDOMIZE = 0x40000
_ASK_PERSONALITY = 0xFFFFFFFF
# The values of mount(2) and of mount_setattr(2) are the same for these.
FILES_READONLY = MS_RDONLY | MS_NOSUID | MS_NODEV
DEVICE_READONLY = MS_RDONLY | MS_NOSUID | MS_NOEXEC  # protects times and mode; writes still pass


def fail(what: str) -> NoReturn:
    """Raise the error that the last call left in errno."""
    number = ctypes.get_errno()
    raise OSError(number, f"{what}: {os.strerror(number)}")


def check(returned: int, what: str) -> int:
    """The result of a call; raises OSError if it indicates failure."""
    if returned < 0:
        fail(what)
    return returned


def unshare(flags: int) -> None:
    check(libc.unshare(ctypes.c_int(flags)), f"unshare({flags:#x})")


def prctl(option: int, value: int) -> None:
    zero = ctypes.c_ulong(0)
    check(libc.prctl(option, ctypes.c_ulong(value), zero, zero, zero), f"prctl({option})")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    returned = libc.mount(
        source.encode() if source else None,
        target.encode(),
        kind.encode() if kind else None,
        ctypes.c_ulong(flags),
        options.encode() if options else None,
    )
    check(returned, f"mount {source or kind} on {target}")


def detach(target: str) -> None:
    check(libc.umount2(target.encode(), _MNT_DETACH), f"umount {target}")


def pivot_root(new: str, old: str) -> None:
    check(libc.syscall(_NR_PIVOT_ROOT, new.encode(), old.encode()), f"pivot_root {new}")


def make_readonly(path: str, flags_to_set: int) -> None:
    """Make a bind mount read-only, with all mounts below it if the kernel can (5.12 and later)."""
    attributes = struct.pack("QQQQ", flags_to_set, 0, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    if libc.syscall(_NR_MOUNT_SETATTR, _AT_FDCWD, path.encode(), _AT_RECURSIVE, attributes, size) == 0:
        return
    # A remount must repeat the flags that an outer user namespace has locked.
    flags = os.statvfs(path).f_flag
    kept = flags & (MS_NOSUID | MS_NODEV | MS_NOEXEC | _MS_NOATIME | _MS_NODIRATIME)
    kept |= _MS_RELATIME if flags & _ST_RELATIME else 0
    mount(None, path, None, MS_REMOUNT | MS_BIND | flags_to_set | kept)


def use_huge_pages(maps: str) -> None:
    """Move this process's anonymous memory into pages of 2 MB, as far as the kernel does that (6.1 and
    later). `maps` is the text of /proc/self/maps. A fork then copies 50 entries instead of 20,000.
    """
    for line in maps.splitlines():
        place, rights, _, _, inode, *_ = line.split()
        start, end = (int(address, 16) for address in place.split("-"))
        if rights == "rw-p" and inode == "0":
            libc.madvise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), _MADV_COLLAPSE)


def has_fixed_addresses() -> bool:
    """Whether programs that this process executes have the same addresses each time."""
    return bool(_personality(_ASK_PERSONALITY) & _ADDR_NO_RANDOMIZE)


def fix_addresses() -> bool:
    """Give programs that this process executes from now on the same addresses each time.

    False if that is refused, as by Docker's default filter.
    """
    before = _personality(_ASK_PERSONALITY)
    return _personality(before | _ADDR_NO_RANDOMIZE) >= 0 and has_fixed_addresses()


def can_fix_addresses() -> bool:
    """Whether `fix_addresses` works here; changes nothing."""
    if not sys.platform.startswith("linux"):
        return False
    before = _personality(_ASK_PERSONALITY)
    fixed = fix_addresses()
    _personality(before)
    return fixed


def _personality(value: int) -> int:
    return libc.personality(ctypes.c_ulong(value))


class Reaper:
    """Waits for children without learning how they end: the status is passed on as bytes, and its memory is
    cleared.

    A process that is forked later finds no trace of it, and finds its memory where it was: a call takes at
    most one pointer, because ctypes frees the memory of two in the order in which it was allocated.
    """

    _SIGINFO_BYTES = 128
    _RUSAGE_BYTES = 256  # of struct rusage, which uses 144

    def __init__(self) -> None:
        self._memory = bytearray(self._SIGINFO_BYTES + self._RUSAGE_BYTES)
        self._cleared = bytes(len(self._memory))
        address = ctypes.addressof(ctypes.c_char.from_buffer(self._memory))
        self._end = ctypes.c_void_p(address)
        self._usage = ctypes.c_void_p(address + self._SIGINFO_BYTES)

    def pass_on(self, pid: int, to: int) -> None:
        """Wait until a child has ended; write the message that `ending_of` reads to a descriptor."""
        check(libc.waitid(os.P_PID, pid, self._end, os.WEXITED | os.WNOWAIT), "waitid")
        check(libc.wait4(pid, None, 0, self._usage), "wait4")
        os.write(to, self._memory)
        self._memory[:] = self._cleared

    @staticmethod
    def ending_of(message: bytes) -> tuple[int, float]:
        """Exit code of a child (or minus the signal that ended it), and its CPU seconds."""
        how, status = struct.unpack_from("8xi12xi", message)
        times = struct.unpack_from("qqqq", message, Reaper._SIGINFO_BYTES)
        seconds, microseconds, system_seconds, system_microseconds = times
        code = status if how == os.CLD_EXITED else -status
        return code, seconds + system_seconds + (microseconds + system_microseconds) / 1e6


def set_host_name(name: bytes) -> None:
    check(libc.sethostname(name, len(name)), "sethostname")


def drop_bounding_capabilities() -> None:
    """Deny capabilities to programs started from here. May be refused to us; no_new_privs has the same
    effect.
    """
    zero = ctypes.c_ulong(0)
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), zero, zero, zero) < 0:
            break


def drop_capabilities() -> None:
    """Give up all capabilities for good."""
    zero = ctypes.c_ulong(0)
    libc.prctl(PR_CAP_AMBIENT, ctypes.c_ulong(_CAP_AMBIENT_CLEAR_ALL), zero, zero, zero)
    libc.prctl(PR_SET_SECUREBITS, ctypes.c_ulong(_SECBITS_NO_ROOT_LOCKED), zero, zero, zero)
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    check(libc.syscall(_NR_CAPSET, header, b"\0" * 24), "capset")


def limit_resources(*, address_space: int, cpu_seconds: int, file_bytes: int, threads: int) -> None:
    """Set hard limits of this process; `threads` counts all threads of its user if the kernel counts by
    user.
    """
    fixed = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_AS: address_space,
        resource.RLIMIT_FSIZE: file_bytes,
        resource.RLIMIT_NOFILE: 64,  # a program needs a handful, and each costs kernel memory
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_SIGPENDING: 64,
        resource.RLIMIT_NPROC: threads,
    }
    for limit, value in fixed.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))
    # SIGXCPU at the limit, SIGKILL a second later if a program handles that.
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    last = cpu_seconds + 1 if hard == resource.RLIM_INFINITY else min(cpu_seconds + 1, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (min(cpu_seconds, last), last))
