"""Means with bootstrap intervals, over items or over units such as families."""

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from jz3.evaluation.sampling import VERDICTS

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Resampling:
    """How intervals are drawn."""

    seed: int
    resamples: int


def floats(table: pl.DataFrame, column: str) -> Floats:
    return table[column].to_numpy().astype(np.float64)


def interval(values: Floats, resamples: int, seed: int) -> tuple[float, float]:
    """95 % percentile bootstrap interval of the mean, in per cent."""
    generator = np.random.default_rng(seed)
    draws = generator.integers(0, len(values), size=(resamples, len(values)))
    low, high = np.percentile(values[draws].mean(axis=1), [2.5, 97.5])
    return 100 * float(low), 100 * float(high)


def unit_means(grades: pl.DataFrame, unit: str) -> pl.DataFrame:
    """The mean of each of VERDICTS for each unit (family, benchmark), averaged over its settings."""
    # Sorted before every mean: the last digit of a sum depends on its order.
    cells = grades.group_by(unit, "setting").agg(pl.col(VERDICTS).mean())
    cells = cells.sort(unit, "setting")
    return cells.group_by(unit).agg(pl.col(VERDICTS).mean()).sort(unit)
