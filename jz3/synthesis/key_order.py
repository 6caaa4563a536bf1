"""Sort completions, which arrive in any order, by their keys; in bounded memory, however many there are.

They are distributed over piles by the first 32 bits of their keys (`jz3/core/external_sort.py`). Costs memory
for piles (some 700 MB) and for waiting rows.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from jz3.core.external_sort import Unsorted

CHUNK_ROWS = 20_000
"""Rows that wait in memory before they are distributed (chosen)."""
COLUMNS = pl.Schema(
    {
        "completion_id": pl.String,
        "text": pl.String,
        "finish_reason": pl.String,
        "prompt_tokens": pl.Int64,
        "completion_tokens": pl.Int64,
    }
)
RESULT_COLUMNS = COLUMNS.names()[1:]


def in_key_order(
    results: Iterable[tuple[str, Mapping[str, Any]]], rows: int, directory: Path
) -> Iterator[pl.DataFrame]:
    """Frames of at most `rows` results (key and row of the store, each key once), sorted by `completion_id`
    within and across frames. `directory` holds temporary files.
    """
    return Unsorted(_chunks(results), COLUMNS, "completion_id", rows).in_order(directory)


def _chunks(results: Iterable[tuple[str, Mapping[str, Any]]]) -> Generator[pl.DataFrame]:
    waiting: dict[str, list[Any]] = {name: [] for name in COLUMNS}
    for key, result in results:
        waiting["completion_id"].append(key)
        for name in RESULT_COLUMNS:
            waiting[name].append(result[name])
        if len(waiting["completion_id"]) >= CHUNK_ROWS:
            yield pl.DataFrame(waiting, schema=COLUMNS)
            waiting = {name: [] for name in COLUMNS}
    yield pl.DataFrame(waiting, schema=COLUMNS)
