"""How much the scores of a training set vary with the training seed.

This complements the intervals over items and families, which say nothing about another training: if the means
of two sets are closer than their deviations, no number of items tells them apart.
"""

from collections.abc import Mapping

import polars as pl

from jz3.tables.seed_spread import SeedSpread

GROUPS = ("all", "average", "macro")
"""Scores whose spread is computed: of whole benchmarks, and averages over benchmarks, families and groups."""


def seed_spread(scores: pl.DataFrame, sets: Mapping[str, str]) -> pl.DataFrame:
    """Table of SeedSpread from rows of ScoreRow; `sets` gives the set of each model."""
    names = pl.DataFrame({"model": list(sets), "set": list(sets.values())}, schema={"model": pl.String} | SET)
    told = scores.filter(pl.col("group_by").is_in(GROUPS)).join(names, on="model").sort("model")
    keys = ("set", "benchmark", "group", "setting")
    accuracy = pl.col("accuracy")
    spread = told.group_by(keys).agg(
        models=pl.len().cast(pl.Int64),
        accuracy=accuracy.mean(),
        least=accuracy.min(),
        greatest=accuracy.max(),
        deviation=accuracy.std(),
    )
    # The computed mean of equal numbers may differ from them in the last digit.
    inside = pl.col("accuracy").clip(pl.col("least"), pl.col("greatest"))
    return (
        spread.with_columns(inside)
        .sort("benchmark", "group", "setting", "set")
        .select(SeedSpread.column_names())
    )


SET = {"set": pl.String}
