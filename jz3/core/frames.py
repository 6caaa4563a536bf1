"""Frames of a table on their way to disk, in the order of its key."""

from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import polars as pl

A = TypeVar("A")
A_co = TypeVar("A_co", covariant=True)


class Unsorted(Protocol[A_co]):
    """Rows in any order that can be sorted by their key (`external_sort.py` does it)."""

    def in_order(self, directory: Path) -> Generator[pl.DataFrame, None, A_co]:
        """Frames in key order, and the account of all of them; `directory` holds the temporary files."""
        ...


class Accounted(Generic[A]):
    """Frames to iterate once, then what their generator returned: the account of all of them."""

    account: A
    """Set once the last frame was taken; None if the frames do not come from a generator."""

    def __init__(self, frames: Generator[pl.DataFrame, None, A]) -> None:
        self._frames = frames

    def __iter__(self) -> Iterator[pl.DataFrame]:
        self.account = yield from self._frames


def in_key_order(frames: Iterable[pl.DataFrame], key: Sequence[str], path: Path) -> Iterator[pl.DataFrame]:
    """The frames that have rows, as they come. The schema ensures that keys are unique within a frame.

    Raises AssertionError, which names the table's path, if rows are out of order: the caller's mistake.
    """
    last: tuple[Any, ...] | None = None
    for frame in frames:
        if not frame.height:
            continue
        keys = frame.select(key)
        first = keys.row(0)
        assert _sorted(keys), f"rows of {path} are not sorted by {key}"
        assert last is None or last < first, f"rows of {path} are not sorted by {key} at {first}"
        last = keys.row(-1)
        yield frame


def _sorted(keys: pl.DataFrame) -> bool:
    return keys.to_series().is_sorted() if keys.width == 1 else keys.equals(keys.sort(keys.columns))
