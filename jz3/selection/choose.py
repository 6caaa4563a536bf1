"""A recipe of the most valuable problems of another: those that curation keeps, best first, up to a share.

The share is of the tokens of solutions, which bear the loss: rows differ in length, and a share of rows would
favour short ones or long ones. Promises: a larger share keeps what a smaller one chose; the order of the rows
changes nothing; every problem is kept, or rejected by the rule of the stage that judged against it, or by
`choose.lower_value`, `choose.not_drawn` or `choose.no_value`. For comparison, the order may be random, or
drawn with the lengths of the best (`select_order.py` beside this). Costs a read of the table and 0.4 KB of
memory per problem.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import FRAME_ROWS, In
from jz3.core.counts import counts
from jz3.core.params import Params, Seed
from jz3.selection.select import method_of
from jz3.selection.select_order import ordered
from jz3.selection.selection_spread import quantiles, spread
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict

NO_VALUE = "choose.no_value"
RULES: dict[Literal["value", "random", "length_matched"], str] = {
    "value": "choose.lower_value",
    "random": "choose.not_drawn",
    "length_matched": "choose.not_drawn",
}


class ChooseParams(Params):
    """A section `choose.RECIPE`."""

    share: float = Field(gt=0, le=1)
    """The share to choose, of the tokens of the solutions that curation keeps."""
    by: Literal["value", "random", "length_matched"]
    """`value`; or, for comparison, `random` or `length_matched` (drawn so that lengths match those of the
    highest values).
    """
    seed: Seed
    """The seed of the draws."""


class ChooseMetrics(BaseModel):
    """`pool` and `chosen` count problems by source, level, kind and length, like the metrics of `select`."""

    method: str | None
    by: str
    rows: Ledger
    tokens: int
    """Tokens of the solutions of the pool."""
    chosen_tokens: int
    pool: dict[str, int]
    chosen: dict[str, int]
    pool_value: dict[str, float]
    chosen_value: dict[str, float]
    repeated_questions: int
    """Chosen rows other than the first of a question."""


@dataclass(frozen=True)
class Chosen:
    """The ids of the chosen problems; rows of Reject; and the metrics."""

    ids: pl.Series
    rejects: pl.DataFrame
    metrics: ChooseMetrics


def choose(
    problems: In[Problem], values: In[Value], verdicts: Sequence[In[Verdict]], params: ChooseParams
) -> Chosen:
    """The problems that no verdict rejects, best first, until their solutions have the share of tokens."""
    columns = ("problem_id", "source", "level", "kind", "problem")
    rows = problems.scan().select(*columns[:-1], question=pl.col("problem").hash(0)).collect()
    known = values.scan().select("problem_id", "method", "value", "solution_tokens").collect()
    judged = pl.concat(
        [
            pl.DataFrame(schema={"row_id": pl.String, "rule": pl.String}),
            *(table.scan().select("row_id", "rule").drop_nulls("rule").collect() for table in verdicts),
        ]
    ).unique("row_id", keep="first", maintain_order=True)
    method = method_of(known)
    rows = rows.join(known.drop("method"), on="problem_id", how="left").join(
        judged.rename({"row_id": "problem_id"}), on="problem_id", how="left"
    )
    valued = pl.col("value").is_not_null()
    rows = rows.with_columns(rule=pl.coalesce("rule", pl.when(~valued).then(pl.lit(NO_VALUE))))
    pool = rows.filter(pl.col("rule").is_null())
    order = ordered(pool, params.by, params.seed, "problem_id")
    taken = order.head(_until(order["solution_tokens"], params.share))
    left = order.slice(taken.height).select("problem_id", rule=pl.lit(RULES[params.by]))
    rejected = pl.concat([rows.drop_nulls("rule").select("problem_id", "rule"), left])
    return Chosen(
        taken["problem_id"].sort(),
        _rejects(rejected, rows),
        ChooseMetrics(
            method=method,
            by=params.by,
            rows=Ledger(read=rows.height, kept=taken.height, rejected=counts(rejected["rule"]), failed=0),
            tokens=int(pool["solution_tokens"].sum()),
            chosen_tokens=int(taken["solution_tokens"].sum()),
            pool=spread(_named(pool)),
            chosen=spread(_named(taken)),
            pool_value=quantiles(pool["value"]),
            chosen_value=quantiles(taken["value"]),
            repeated_questions=taken.height - taken["question"].n_unique(),
        ),
    )


def chosen_rows(
    problems: In[Problem], ids: pl.Series, frame_rows: int = FRAME_ROWS
) -> Iterator[pl.DataFrame]:
    """Tables of Problem: the rows with these ids, which must be in the order of the table."""
    start = 0
    for frame in problems.frames(frame_rows):
        stop = int(ids.search_sorted(frame["problem_id"][-1], "right"))
        yield frame.filter(pl.col("problem_id").is_in(ids[start:stop].implode()))
        start = stop


def _until(tokens: pl.Series, share: float) -> int:
    """How many first rows have the share of all tokens, including the row that reaches it."""
    sums = np.cumsum(tokens.to_numpy())
    if not len(sums):
        return 0
    return int(np.searchsorted(sums, share * sums[-1], side="left")) + 1


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(pl.col("level").fill_null("none"))


def _rejects(rejected: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    shown = pl.format("value {}", "value").fill_null("no value")
    values = rows.select("problem_id", evidence=shown)
    named = rejected.join(values, on="problem_id").rename({"problem_id": "row_id"})
    return named.select(Reject.column_names())
