"""The composition of a selection and of its pool, and whether checkpoints agree on it.

Costs milliseconds per thousand rows. Frames have the columns of RankedPrompt, and `kind`.
"""

from collections import Counter

import polars as pl
from pydantic import BaseModel

from jz3.core.counts import counts

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class Agreement(BaseModel):
    """How far the ranking by each checkpoint alone agrees with that by their sum; checkpoints count from
    1.
    """

    spearman: dict[str, float]
    """Rank correlation of prompts' values at two checkpoints, such as `1-2`, if neither is constant."""
    chosen_alone: dict[str, float]
    """Share of the best prompts (as many as are chosen) that this checkpoint alone would take, too."""


def spread(prompts: pl.DataFrame) -> dict[str, int]:
    """Prompts by `source/NAME`, `level/NAME`, `kind/NAME` and `length/FROM-TO`, from short to long."""
    named = {
        f"{column}/{name}": rows
        for column in ("source", "level", "kind")
        for name, rows in counts(prompts[column]).items()
    }
    return named | _lengths(prompts["solution_tokens"])


def quantiles(values: pl.Series) -> dict[str, float]:
    """Quantiles of `values`, keyed by probability (`0.05`, ...); empty if there are no values."""
    if values.is_empty():
        return {}
    return {str(share): float(values.quantile(share, "nearest") or 0.0) for share in QUANTILES}


def agreement(pool: pl.DataFrame, count: int) -> Agreement:
    """Agreement of values between checkpoints, over the whole pool and over its best `count` prompts."""
    checkpoints = int(pool["cosines"].list.len().max() or 0)  # pyright: ignore[reportArgumentType]
    columns = [f"at_{number}" for number in range(checkpoints)]
    alone = pool.select(
        "prompt_id",
        "value",
        *(pl.col("cosines").list.get(number).alias(column) for number, column in enumerate(columns)),
    )
    differs = [column for column in columns if alone[column].n_unique() > 1]
    best = _best(alone, "value", count)
    return Agreement(
        spearman={
            f"{columns.index(a) + 1}-{columns.index(b) + 1}": alone.select(
                pl.corr(a, b, method="spearman")
            ).item()
            for place, a in enumerate(differs)
            for b in differs[place + 1 :]
        },
        chosen_alone={
            str(number): len(best & _best(alone, column, count)) / len(best)
            for number, column in enumerate(columns, start=1)
            if best
        },
    )


def _best(rows: pl.DataFrame, column: str, count: int) -> set[str]:
    return set(rows.sort([column, "prompt_id"], descending=[True, False]).head(count)["prompt_id"])


def _lengths(tokens: pl.Series) -> dict[str, int]:
    """Rows in each length class; the bounds are 32, 48, 64, 96, 128 and so on: few classes on any scale."""
    classes = Counter(_length_class(int(length)) for length in tokens)
    return {f"length/{start}-{end}": classes[start, end] for start, end in sorted(classes)}


def _length_class(tokens: int) -> tuple[int, int]:
    """First and last length of the class of a length."""
    power = 1 << (tokens.bit_length() - 1)
    half = power // 2
    if half == 0 or tokens < power + half:
        return power, power + max(half, 1) - 1
    return power + half, 2 * power - 1
