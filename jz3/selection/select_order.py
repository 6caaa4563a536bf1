"""The orders in which prompts or problems are chosen: by value, and those that value is compared with.

A choice of n prompts is the first n of an order, so that a larger choice keeps a smaller one; ties go to the
smallest id. Every draw is by hash of (seed, id). Costs milliseconds per thousand rows.

The columns read are the id's, `value`, and for some orders `source`, `level`, `loss` or `solution_tokens`.
"""

import math
from typing import Literal, assert_never

import polars as pl

from jz3.core.errors import UserError
from jz3.core.hashing import draw_order

By = Literal["value", "random", "length_matched", "highest_loss", "longest", "stratified"]

LENGTH_RATIO = 1.1
"""Lengths of one class differ by less than this factor. Chosen: finer than the effect of length on a
solution, but wide enough for a class to hold more than its chosen prompts.
"""


def ordered(pool: pl.DataFrame, by: By, seed: int, key: str = "prompt_id") -> pl.DataFrame:
    """The pool, best first; equal rows have a definite order, too. Raises OrderError for `highest_loss` if
    the values have no loss.
    """
    match by:
        case "value":
            return _highest(pool, "value", key)
        case "highest_loss":
            _must_have_losses(pool)
            return _highest(pool, "loss", key)
        case "longest":
            return _highest(pool, "solution_tokens", key)
        case "random":
            return _drawn(pool, seed, key)
        case "length_matched":
            return _length_matched(pool, seed, key)
        case "stratified":
            return _stratified(pool, key)
        case _:
            assert_never(by)


class OrderError(UserError):
    """An order needs a column that the values do not have."""


def length_class(tokens: float) -> int:
    """The number of the class of a solution's length; class 0 holds only the length 1."""
    return math.floor(math.log(tokens) / math.log(LENGTH_RATIO))


def _must_have_losses(pool: pl.DataFrame) -> None:
    if pool["loss"].null_count():
        raise OrderError(
            f"{pool['loss'].null_count()} of {pool.height} rows have no loss, and the order is highest_loss; "
            f"values of a method by which a model reads solutions, such as influence, were expected. Take "
            f"another order."
        )


def _highest(pool: pl.DataFrame, column: str, key: str) -> pl.DataFrame:
    return pool.sort([column, key], descending=[True, False])


def _drawn(pool: pl.DataFrame, seed: int, key: str) -> pl.DataFrame:
    order = pl.Series([draw_order(seed, row_id) for row_id in pool[key]], dtype=pl.Int64)
    return pool.with_columns(order=order).sort("order", key).drop("order")


def _length_matched(pool: pl.DataFrame, seed: int, key: str) -> pl.DataFrame:
    """Draw by hash, so that each place in the order by value gets a row of the same length class.

    The first n therefore have the same lengths as the n best, class by class, and are otherwise random: if
    value beats them, then not through length.
    """
    best = _in_class(_highest(pool, "value", key).with_row_index("place"))
    drawn = _in_class(_drawn(pool, seed, key))
    places = best.select("length_class", "number", "place")
    return (
        drawn.join(places, on=["length_class", "number"])
        .sort("place")
        .drop("length_class", "number", "place")
    )


def _in_class(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the length class of each row, and the row's number within its class."""
    classes = pl.Series([length_class(tokens) for tokens in rows["solution_tokens"]], dtype=pl.Int64)
    return rows.with_columns(length_class=classes).with_columns(
        number=pl.int_range(pl.len()).over("length_class")
    )


def _stratified(pool: pl.DataFrame, key: str) -> pl.DataFrame:
    """Order by value, with each source and level in proportion to its share of the pool (Sainte-Laguë).

    The i-th best of m prompts in a stratum has the position (i - 1/2) / m.
    """
    stratum = ("source", "level")
    number = pl.int_range(1, pl.len() + 1).over(stratum)
    return (
        _highest(pool, "value", key)
        .with_columns(at=(number - 0.5) / pl.len().over(stratum))
        .sort(["at", "value", key], descending=[False, True, False])
        .drop("at")
    )
