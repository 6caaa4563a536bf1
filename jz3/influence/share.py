"""A share of the problems, drawn by hash: a larger share contains a smaller one.

Costs a hash per problem.
"""

import math

import polars as pl

from jz3.core.hashing import draw_order


def draw(problems: pl.DataFrame, share: float, seed: int) -> pl.DataFrame:
    """The share of the rows with the smallest hash of (seed, problem_id), rounded up; sorted by
    problem_id.
    """
    order = pl.Series([draw_order(seed, row_id) for row_id in problems["problem_id"]], dtype=pl.Int64)
    drawn = (
        problems.with_columns(order=order)
        .sort("order", "problem_id")
        .head(math.ceil(share * problems.height))
    )
    return drawn.drop("order").sort("problem_id")
