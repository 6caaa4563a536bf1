"""What decides the bytes of a table apart from its rows: where it is cut into parts and how they are written.

Stages depend on this module, but not on the handles around it (`artifacts.py`): an edit here changes the
bytes of every table.
"""

from collections.abc import Iterator
from pathlib import Path

import polars as pl

PART_BYTES = 256_000_000
"""Size of a part in memory before compression (chosen)."""
ROW_GROUP = 25_000
"""Rows that are compressed and read together (chosen: some 50 MB of problems)."""


def write_whole(rows: pl.DataFrame, file: Path) -> None:
    """Write a table that is one file."""
    rows.write_parquet(file)


def write_part(rows: pl.DataFrame, file: Path) -> None:
    """Write a part of a table that may be larger than memory."""
    rows.write_parquet(file, compression="zstd", row_group_size=ROW_GROUP)


def regrouped(frames: Iterator[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """The same rows in frames of about PART_BYTES, whatever the size of the original frames."""
    waiting: list[pl.DataFrame] = []
    size = 0
    for frame in frames:
        step = max(1, int(frame.height * PART_BYTES / max(frame.estimated_size(), 1)))
        for piece in frame.iter_slices(step):
            waiting.append(piece)
            size += int(piece.estimated_size())
            if size >= PART_BYTES:
                yield pl.concat(waiting)
                waiting, size = [], 0
    if waiting:
        yield pl.concat(waiting)
