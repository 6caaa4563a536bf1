"""Frames of a table on their way to disk, in the order of its key."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl


def in_key_order(frames: Iterable[pl.DataFrame], key: Sequence[str], path: Path) -> Iterator[pl.DataFrame]:
    """The frames that have rows, as they come. Each frame's own keys are unique (its schema says so).

    Raises AssertionError, which names the table's path, where rows are out of order: the caller's mistake.
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
