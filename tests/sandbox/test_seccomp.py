"""The numbers in the filter are those of the kernel, for both architectures."""

import ctypes
import ctypes.util

import pytest

from jz3.sandbox.seccomp import filter_program
from jz3.sandbox.syscalls import AARCH64, X86_64

PLACES = range(0x7FFE, 0x8000)
ARCHITECTURES = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}


@pytest.mark.parametrize("machine", ARCHITECTURES)
def test_each_number_is_that_of_libseccomp(machine: str) -> None:
    name = ctypes.util.find_library("seccomp")
    if name is None:
        pytest.skip("libseccomp is not installed")
    resolve = ctypes.CDLL(name).seccomp_syscall_resolve_name_arch
    architecture, numbers = ARCHITECTURES[machine]
    assert len(numbers) > 90
    for call, number in numbers.items():
        assert resolve(ctypes.c_uint32(architecture), call.encode()) == number, call


def test_a_filter_fits_the_kernel() -> None:
    program = filter_program(PLACES, files_change=True, metadata_change=True)
    assert len(program) % 8 == 0
    assert len(program) // 8 <= 4096


def test_what_may_not_change_files_is_the_shorter_list() -> None:
    closed = filter_program(PLACES, files_change=False, metadata_change=False)
    assert len(closed) < len(filter_program(PLACES, files_change=True, metadata_change=False))
