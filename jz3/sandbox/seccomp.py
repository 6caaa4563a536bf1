"""The seccomp filter: a list of what a program may ask of the kernel; everything else is refused with EPERM.

No fork and no exec: with one process per program, the address-space limit limits memory, and one SIGKILL ends
it. No sockets except a pair of its own, no signals except to itself, no shared or hidden memory, no keyrings,
no tracing, no namespaces, no mounts. Calls in the 32-bit or x32 convention are refused, too.

Two kinds of calls look harmless but are not. Some take kernel memory that no limit counts: descriptors of a
single thread, pages of a shared mapping that outlive their place in it, page tables of distant mappings.
Others leave a mark on a file that another program can see: locks, and wake-ups through a mapped page.
"""

import ctypes
import errno
import struct

from jz3.sandbox.kernel import IS_X86, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, check, libc, prctl
from jz3.sandbox.syscalls import AARCH64, X86_64

_AUDIT_ARCH_X86_64, _AUDIT_ARCH_AARCH64 = 0xC000003E, 0xC00000B7
_X32_BIT = 0x40000000

# Landlock does not cover these; they pass only if everything within reach is the program's own or read-only.
_METADATA = frozenset({"chmod", "fchmod", "fchmodat", "utimes", "utimensat"})
_CHANGES = frozenset(
    {
        "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat", "renameat2",
        "link", "linkat", "symlink", "symlinkat", "truncate", "ftruncate", "creat", "copy_file_range",
    }
)  # fmt: skip
_FREQUENT = ("read", "write", "futex", "mmap", "munmap", "brk", "madvise", "newfstatat", "openat")

# CLONE_VM, FS, FILES, SIGHAND, THREAD, SYSVSEM: a thread that shares everything it can. A thread with
# descriptors of its own (without FILES) could fill 64 more of them.
_CLONE_REQUIRED = 0x50F00
_CLONE_ALLOWED = _CLONE_REQUIRED | 0x780000  # SETTLS, PARENT_SETTID, CHILD_CLEARTID, DETACHED: as libc calls
_CLOSE_RANGE_UNSHARE = 2  # another way to get descriptors of one's own
_O_CHANGES = 0o3 | 0o100 | 0o1000 | 0o2000  # WRONLY, RDWR, CREAT, TRUNC, APPEND

_IOCTLS = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)  # is it a terminal, how wide, bytes to read, flags
# DUPFD, GETFD, SETFD, GETFL, SETFL, GETLK, OFD_GETLK, DUPFD_CLOEXEC, GETPIPE_SZ: neither F_SETOWN nor
# F_SETSIG, which send signals, nor locks, which every program that can open the file would see.
_FCNTLS = (0, 1, 2, 3, 4, 5, 36, 1030, 1032)
_PRCTLS = (15, 16)  # a thread's name
_ARCH_PRCTLS = (0x1001, 0x1002, 0x1003, 0x1004)  # a thread's segment registers
_AF_UNIX = 1
_FUTEX_PRIVATE = 128
_FUTEX_WAITS = (0, 9, 9 | 256)  # WAIT, WAIT_BITSET, the same with CLOCK_REALTIME: used by pthread_join
# NORMAL to DONTNEED, FREE, HUGEPAGE to KEEPONFORK, GUARD_INSTALL and GUARD_REMOVE: neither MERGEABLE (pages
# are compared with those of others), COLLAPSE nor HWPOISON.
_ADVICES = (0, 1, 2, 3, 4, 8, 14, 15, 16, 17, 18, 19, 102, 103)
_MAP_SHARED = 1
_MAP_ANONYMOUS = 0x20
_MAP_REFUSED = 0x100 | 0x40000  # GROWSDOWN; HUGETLB, whose pages the machine reserves for others
_MREMAPS = (0, 1)  # without MREMAP_FIXED or MREMAP_DONTUNMAP

_RET_ALLOW, _RET_KILL_PROCESS, _RET_ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_OFFSET_NUMBER, _OFFSET_ARCH, _OFFSET_ARGUMENTS = 0, 4, 16
_MAX_JUMP = 255
_OWN_PID = 0x7E57F00D  # stands for the process in a filter until it is installed; no process has this id


def _instruction(code: int, if_true: int, if_false: int, value: int) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _load(offset: int) -> bytes:
    return _instruction(0x20, 0, 0, offset)


def _load_argument(index: int) -> bytes:
    """Load the low half: the kernel treats all arguments checked here as 32-bit."""
    return _load(_OFFSET_ARGUMENTS + 8 * index)


def _if_equal(value: int, if_true: int, if_false: int) -> bytes:
    return _instruction(0x15, if_true, if_false, value)


def _if_any_bit(value: int, if_true: int, if_false: int) -> bytes:
    return _instruction(0x45, if_true, if_false, value)


def _if_at_least(value: int, if_true: int, if_false: int) -> bytes:
    return _instruction(0x35, if_true, if_false, value)


def _and(mask: int) -> bytes:
    return _instruction(0x54, 0, 0, mask)


def _return(value: int) -> bytes:
    return _instruction(0x06, 0, 0, value)


_ALLOW = _return(_RET_ALLOW)
_REFUSE = _return(_RET_ERRNO | errno.EPERM)
_UNKNOWN = _return(_RET_ERRNO | errno.ENOSYS)


def _allow_if_argument_in(index: int, values: tuple[int, ...]) -> list[bytes]:
    parts = [_load_argument(index)]
    for value in values:
        parts += [_if_equal(value, 0, 1), _ALLOW]
    return [*parts, _REFUSE]


def _allow_without_address() -> list[bytes]:
    """Allow sendto(2) only on a connected pair: with an address it could reach a unix socket with a path."""
    low, high = _OFFSET_ARGUMENTS + 8 * 4, _OFFSET_ARGUMENTS + 8 * 4 + 4
    return [_load(low), _if_equal(0, 0, 2), _load(high), _if_equal(0, 1, 0), _REFUSE, _ALLOW]


def _clone() -> list[bytes]:
    return [
        _load_argument(0),
        _if_any_bit(0xFFFFFFFF ^ _CLONE_ALLOWED, 0, 1),
        _REFUSE,
        _and(_CLONE_REQUIRED),
        _if_equal(_CLONE_REQUIRED, 1, 0),
        _REFUSE,
        _ALLOW,
    ]


def _futex() -> list[bytes]:
    """Allow waking only for words of private memory: a word in a library is shared by all who map it."""
    return [
        _load_argument(1),
        _if_any_bit(_FUTEX_PRIVATE, 0, 1),
        _ALLOW,
        *_allow_if_argument_in(1, _FUTEX_WAITS),
    ]


def _mmap(places: range, *, shared_files: bool) -> list[bytes]:
    """Allow only private memory, placed by the kernel or near existing mappings.

    Each isolated page costs the kernel a page of its tables, or two if its neighbourhood is empty, too. In a
    shared mapping without a file, unmapped parts continue to use memory as long as any part is left.
    """
    low, high = _OFFSET_ARGUMENTS, _OFFSET_ARGUMENTS + 4
    kinds = [_if_any_bit(_MAP_SHARED, 0, 2), _if_any_bit(_MAP_ANONYMOUS, 0, 1), _REFUSE]
    if not shared_files:
        kinds = [_if_any_bit(_MAP_SHARED, 0, 1), _REFUSE]
    return [
        _load_argument(3),
        _if_any_bit(_MAP_REFUSED, 0, 1),
        _REFUSE,
        *kinds,
        _load(high),
        _if_equal(0, 0, 3),
        _load(low),
        _if_equal(0, 0, 1),
        _ALLOW,
        _load(high),
        _if_at_least(places.start, 0, 2),
        _if_at_least(places.stop, 1, 0),
        _ALLOW,
        _REFUSE,
    ]


def _conditions(places: range, *, files_change: bool) -> dict[str, list[bytes]]:
    conditions = {
        "futex": _futex(),
        "mmap": _mmap(places, shared_files=files_change),
        "madvise": _allow_if_argument_in(2, _ADVICES),
        "mremap": _allow_if_argument_in(3, _MREMAPS),
        "clone": _clone(),
        "clone3": [_UNKNOWN],  # glibc then uses clone, whose flags the filter can see
        "close_range": [_load_argument(2), _if_any_bit(_CLOSE_RANGE_UNSHARE, 0, 1), _REFUSE, _ALLOW],
        "arch_prctl": _allow_if_argument_in(0, _ARCH_PRCTLS),
        "kill": _allow_if_argument_in(0, (_OWN_PID,)),
        "tgkill": _allow_if_argument_in(0, (_OWN_PID,)),
        "prlimit64": _allow_if_argument_in(0, (0,)),
        "sched_setaffinity": _allow_if_argument_in(0, (0,)),
        "sched_getaffinity": _allow_if_argument_in(0, (0, _OWN_PID)),
        "getpgid": _allow_if_argument_in(0, (0, _OWN_PID)),
        "getsid": _allow_if_argument_in(0, (0, _OWN_PID)),
        "socketpair": _allow_if_argument_in(0, (_AF_UNIX,)),
        "sendto": _allow_without_address(),
        "ioctl": _allow_if_argument_in(1, _IOCTLS),
        "fcntl": _allow_if_argument_in(1, _FCNTLS),
        "prctl": _allow_if_argument_in(0, _PRCTLS),
    }
    if not files_change:
        conditions["openat"] = [_load_argument(2), _if_any_bit(_O_CHANGES, 0, 1), _REFUSE, _ALLOW]
    return conditions


def filter_program(places: range, *, files_change: bool, metadata_change: bool) -> bytes:
    """The filter as a BPF program, for any process to install.

    - `places`: where memory may be requested, in units of 4 GB.
    - `files_change`: allow calls that write or change files, if something else restricts where; otherwise not
      even a file can be opened for writing.
    - `metadata_change`: also allow modes and times, if everything within reach is the program's own.
    """
    numbers, machine = (X86_64, _AUDIT_ARCH_X86_64) if IS_X86 else (AARCH64, _AUDIT_ARCH_AARCH64)
    conditions = _conditions(places, files_change=files_change)
    refused = set() if files_change else {"open", *_CHANGES}
    refused |= set() if metadata_change else _METADATA
    parts = [_load(_OFFSET_ARCH), _if_equal(machine, 1, 0), _return(_RET_KILL_PROCESS), _load(_OFFSET_NUMBER)]
    if IS_X86:
        parts += [_if_at_least(_X32_BIT, 0, 1), _UNKNOWN]
    names = [*_FREQUENT, *(name for name in numbers if name not in _FREQUENT)]
    for name in names:
        if name not in refused:
            body = conditions.get(name, [_ALLOW])
            assert len(body) <= _MAX_JUMP
            parts += [_if_equal(numbers[name], 0, len(body)), *body]
    return b"".join([*parts, _REFUSE])


class _FilterProgram(ctypes.Structure):
    _fields_ = (("len", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def install(program: bytes, pid: int) -> None:
    """Put this process, whose own id for itself is `pid`, under the filter for good."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    program = program.replace(struct.pack("I", _OWN_PID), struct.pack("I", pid))
    code = ctypes.create_string_buffer(program, len(program))
    holder = _FilterProgram(len(program) // 8, ctypes.addressof(code))
    mode_filter, zero = ctypes.c_ulong(2), ctypes.c_ulong(0)
    check(libc.prctl(PR_SET_SECCOMP, mode_filter, ctypes.byref(holder), zero, zero), "seccomp filter")
