"""Loops over arrays as machine code (numba).

A compiled function may call only functions of its own module: a change in another module would not make numba
compile it again.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """The function as machine code, compiled at its first call and cached next to its module for later runs.

    It releases Python's lock, so other threads run meanwhile. Arithmetic of uint64 wraps around.
    """
    return numba.njit(nogil=True, cache=True)(function)
