"""Balance by difficulty (DART-Math, Tong et al. 2024, arXiv 2407.13690): how many right solutions of each
problem are kept.

`uniform` wants the same number of each; `prop2diff` wants them in proportion to the fail rate, `rows` of the
hardest. Targets are rounded up, so that every problem keeps at least one, and are exact: no rate is rounded.
Problems are drawn in rounds, each for what is missing and no more, so that a draw past the quota is never
paid for; draws are capped, as a problem that fails always has no end. Kept are the first right ones by number
of the draw. So a larger `rows` keeps what a smaller one keeps, and the released code's two faults (one right
solution too many, no cap) have no place.

The fail rate of d draws is one of d + 1 values: of problems with a true rate of 0.3 one in four shows 0 after
4 draws (0.7^4), one in seventeen after 8.
"""

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal

import dataframely as dy
import polars as pl
from pydantic import Field, model_validator

from jz3.core.params import Params
from jz3.tables.attempt import Attempt
from jz3.tables.pass_rate import PassRate
from jz3.tables.quota import Quota

NOT_DRAWN = "not_drawn"
"""Rule of a right answer beyond its problem's quota."""


class Uniform(Params):
    """As many right solutions of each problem."""

    form: Literal["uniform"]
    rows: int = Field(ge=1)
    """Of each problem."""
    most_draws: int = Field(ge=1)
    """Answers to one problem that are asked for at the most."""


class Prop2Diff(Params):
    """Right solutions in proportion to the fail rate."""

    form: Literal["prop2diff"]
    rows: int = Field(ge=1)
    """Of the problems with the highest fail rate."""
    measured: int = Field(ge=1)
    """Draws of each problem that its fail rate is taken over."""
    most_draws: int = Field(ge=1)
    """Answers to one problem that are asked for at the most, the measured ones among them."""

    @model_validator(mode="after")
    def _measures_within_the_cap(self) -> "Prop2Diff":
        if self.measured > self.most_draws:
            raise ValueError(f"measured {self.measured} is above most_draws {self.most_draws}")
        return self


Balance = Annotated[Uniform | Prop2Diff, Field(discriminator="form")]


def first_draws(balance: Balance) -> int:
    """Draws of each problem that are asked for before anything is known of it."""
    wanted = balance.rows if isinstance(balance, Uniform) else balance.measured
    return min(wanted, balance.most_draws)


def quotas(rates: dy.DataFrame[PassRate], balance: Balance) -> dy.DataFrame[Quota]:
    """The quota of each problem, with the draws that its rate was taken over as those so far.

    A problem that has no answer to be held against, or got no answer at all, has a target of 0: no draw of it
    can be right.
    """
    known = {
        row["problem_id"]: (row["draws"] - row["right"], row["draws"])
        for row in rates.iter_rows(named=True)
        if row["right"] is not None and row["draws"]
    }
    wanted = _wanted({name: Fraction(*rate) for name, rate in known.items()}, balance)
    targets = [wanted.get(name, 0) for name in rates["problem_id"]]
    table = rates.select("problem_id", pl.col("right").fill_null(0), "draws")
    return Quota.validate(
        table.with_columns(target=pl.Series(targets, dtype=pl.Int64)).select(Quota.column_names())
    )


def _wanted(fail_rates: Mapping[str, Fraction], balance: Balance) -> dict[str, int]:
    if isinstance(balance, Uniform):
        return dict.fromkeys(fail_rates, balance.rows)
    hardest = max(fail_rates.values(), default=Fraction(0)) or Fraction(1)
    return {name: max(1, ceil(balance.rows * rate / hardest)) for name, rate in fail_rates.items()}


def next_draws(wanted: dy.DataFrame[Quota], balance: Balance) -> list[tuple[str, int]]:
    """Problem and number of each draw that the next round asks for: of each problem what it lacks, up to the
    cap; none where all quotas are met or out of draws.

    As no round asks a problem for more than it lacks, its draws are those of one draw a round, in fewer.
    """
    return [
        (row["problem_id"], number)
        for row in wanted.sort("problem_id").iter_rows(named=True)
        for number in range(
            row["draws"], min(row["draws"] + max(row["target"] - row["right"], 0), balance.most_draws)
        )
    ]


def out_of_draws(wanted: dy.DataFrame[Quota], balance: Balance) -> pl.Series:
    """Ids of the problems that lack right answers, and may not be asked again."""
    lacking = (pl.col("right") < pl.col("target")) & (pl.col("draws") >= balance.most_draws)
    return wanted.filter(lacking).get_column("problem_id").sort()


def counted(wanted: dy.DataFrame[Quota], right: Mapping[tuple[str, int], bool]) -> dy.DataFrame[Quota]:
    """The quotas after some draws, each said to be right or not, by problem and number."""
    draws = Counter(name for name, _ in right)
    found = Counter(name for (name, _), is_right in right.items() if is_right)
    names = wanted["problem_id"]
    more = wanted.with_columns(
        right=pl.col("right") + pl.Series([found[name] for name in names], dtype=pl.Int64),
        draws=pl.col("draws") + pl.Series([draws[name] for name in names], dtype=pl.Int64),
    )
    return Quota.validate(more)


def beyond_quota(attempts: dy.DataFrame[Attempt], wanted: dy.DataFrame[Quota]) -> pl.DataFrame:
    """Columns `problem_id`, `draw` and `rule`: the right answers that their problems' quotas leave out."""
    right = attempts.filter(pl.col("right")).sort("problem_id", "draw")
    placed = right.with_columns(place=pl.int_range(pl.len()).over("problem_id"))
    within = placed.join(wanted.select("problem_id", "target"), on="problem_id", how="left")
    beyond = within.filter(pl.col("place") >= pl.col("target").fill_null(0))
    return beyond.sort("problem_id", "draw").select("problem_id", "draw", rule=pl.lit(NOT_DRAWN))
