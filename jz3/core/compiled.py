"""Loops over arrays as machine code (numba).

A compiled function calls only functions of its own module: what it calls elsewhere could change without
being compiled anew.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function as machine code. It is compiled at its first call and kept beside its module for later
    runs; other threads run beside it. Arithmetic of uint64 wraps around.
    """
    return numba.njit(nogil=True, cache=True)(function)
