"""Landlock (Linux 5.13 and later): restricts which files a process may open, and denies it networks, other
processes and abstract sockets, as far as the kernel's version of Landlock (its ABI) covers them.

It does not cover stat, chmod, chown, utime, xattr or unix sockets with a path; the seccomp filter does.
"""

import ctypes
import os
import stat
import struct

from jz3.sandbox.kernel import PR_SET_NO_NEW_PRIVS, check, libc, prctl

_NR_CREATE_RULESET, _NR_ADD_RULE, _NR_RESTRICT_SELF = 444, 445, 446
_CREATE_RULESET_VERSION = 1
_RULE_PATH_BENEATH = 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE, _MAKE_DIR, _MAKE_REG, _MAKE_SYM = 1 << 4, 1 << 5, 1 << 7, 1 << 8, 1 << 12
_REFER, _TRUNCATE = 1 << 13, 1 << 14
_READ = _READ_FILE | _READ_DIR  # but never EXECUTE
_CHANGE = _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _MAKE_SYM | _REFER | _TRUNCATE
_OF_FILES = _READ_FILE | _WRITE_FILE | _TRUNCATE

# Number of file rights that each ABI knows; later ones know at least those of ABI 5.
_FILE_RIGHTS_OF_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
_FILE_RIGHTS_LATER = 16
_BIND_AND_CONNECT_TCP = 3  # from ABI 4
_ABSTRACT_SOCKETS_AND_SIGNALS = 3  # from ABI 6


def landlock_abi() -> int:
    """The kernel's version of Landlock; 0 if there is none."""
    abi = libc.syscall(_NR_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint(_CREATE_RULESET_VERSION))
    return max(abi, 0)


def make_ruleset(readable: list[str], writable: list[str]) -> int:
    """A file descriptor of rules that allow only reading below `readable`, and reading and changing below
    `writable`. Paths that do not exist are left out.
    """
    abi = landlock_abi()
    handled = (1 << _FILE_RIGHTS_OF_ABI.get(abi, _FILE_RIGHTS_LATER)) - 1
    network = _BIND_AND_CONNECT_TCP if abi >= 4 else 0
    scopes = _ABSTRACT_SOCKETS_AND_SIGNALS if abi >= 6 else 0
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    attributes = struct.pack("QQQ", handled, network, scopes)
    rules = libc.syscall(_NR_CREATE_RULESET, attributes, ctypes.c_size_t(size), ctypes.c_uint(0))
    check(rules, "landlock_create_ruleset")
    for path in readable:
        _allow(rules, path, _READ & handled)
    for path in writable:
        _allow(rules, path, (_READ | _CHANGE) & handled)
    return rules


def restrict(rules: int) -> None:
    """Apply the rules to this process for good."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    check(libc.syscall(_NR_RESTRICT_SELF, rules, ctypes.c_uint(0)), "landlock_restrict_self")


def _allow(rules: int, path: str, rights: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(place).st_mode):
            rights &= _OF_FILES
        rule = struct.pack("=Qi", rights, place)
        check(
            libc.syscall(_NR_ADD_RULE, rules, _RULE_PATH_BENEATH, rule, ctypes.c_uint(0)),
            f"landlock_add_rule {path}",
        )
    finally:
        os.close(place)
