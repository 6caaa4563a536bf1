"""The law of everything that can be killed: what was ended and started again is what nobody ended."""

from collections.abc import Callable, Sequence
from typing import TypeVar

R = TypeVar("R")
P = TypeVar("P")


def assert_same_after_kill(
    whole: Callable[[], R],
    killed: Callable[[P], None],
    resumed: Callable[[], R],
    places: Sequence[P],
    same: Callable[[R, R], bool],
) -> None:
    """`whole` runs to its end and leaves nothing behind; `killed` runs until a place and dies there, once for
    each of `places` in a row; `resumed` goes on from what that left. Both results must be the same.
    """
    expected = whole()
    for place in places:
        killed(place)
    found = resumed()
    assert same(expected, found), f"killed at {', '.join(map(str, places))}: the result is another one"
