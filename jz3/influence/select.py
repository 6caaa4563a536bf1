"""Chooses the candidate prompts that the teacher answers in the second round.

The value of a problem is its highest score over the target tasks; the value of a prompt comes from its
problems. The prompts of highest value are kept, ties by id, beside all the initial ones; or, to compare with,
as many drawn by hash. Candidates on a passage of the initial set are never chosen. Costs milliseconds a
thousand rows.
"""

from dataclasses import dataclass
from typing import Literal

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.hashing import draw_order
from jz3.core.params import Params
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt

INITIAL_PASSAGE = "select.initial_passage"
NO_SCORE = "select.no_score"
LOWER_VALUE = "select.lower_value"
NOT_DRAWN = "select.not_drawn"

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


class SelectParams(Params):
    """Section `select`."""

    count: int = Field(ge=0)
    """Candidate prompts to choose."""
    method: Literal["value", "random"]
    """By value, or drawn by hash among the prompts that have a value."""
    prompt_value: Literal["max", "mean"]
    """Of the values of a prompt's problems, where it has several."""
    seed: int
    """Of the random draw."""


class SelectMetrics(BaseModel):
    """`rows` are the initial and the candidate prompts; kept are the boosted ones.

    `pool` is the candidate prompts with a value, `selected` those chosen: prompts by `source/NAME`,
    `level/NAME`, `kind/NAME`; quantiles of value by their share, such as `0.05`.
    """

    rows: Ledger
    pool: dict[str, int]
    selected: dict[str, int]
    pool_value: dict[str, float]
    selected_value: dict[str, float]
    best_task: dict[str, int]
    """Chosen prompts by the task that gives them their value."""


@dataclass(frozen=True)
class Selection:
    """Rows of Prompt: the initial ones and the chosen; and the metrics."""

    boosted: pl.DataFrame
    metrics: SelectMetrics


def select(
    scores: dy.DataFrame[InfluenceScore],
    problems: dy.DataFrame[Problem],
    candidates: dy.DataFrame[Prompt],
    initial: dy.DataFrame[Prompt],
    params: SelectParams,
) -> Selection:
    """The union of the initial prompts and `params.count` of the candidates, or all that have a value."""
    free = candidates.join(initial, on="passage_id", how="anti")
    values = prompt_values(scores, problems, params.prompt_value)
    pool = free.join(values, on="prompt_id", how="inner")
    if params.method == "value":
        chosen, rule = highest(pool, params.count), LOWER_VALUE
    else:
        chosen, rule = drawn(pool, params.count, params.seed), NOT_DRAWN
    rejected = {
        INITIAL_PASSAGE: candidates.height - free.height,
        rule: pool.height - chosen.height,
        NO_SCORE: free.height - pool.height,
    }
    boosted = pl.concat([initial, chosen.select(initial.columns)]).sort("prompt_id")
    return Selection(
        boosted,
        SelectMetrics(
            rows=Ledger(
                read=initial.height + candidates.height,
                kept=boosted.height,
                rejected={rule: rows for rule, rows in sorted(rejected.items()) if rows},
                failed=0,
            ),
            pool=_spread(pool),
            selected=_spread(chosen),
            pool_value=_quantiles(pool["value"]),
            selected_value=_quantiles(chosen["value"]),
            best_task=_counts(chosen["best_task"]),
        ),
    )


def prompt_values(
    scores: pl.DataFrame, problems: pl.DataFrame, prompt_value: Literal["max", "mean"]
) -> pl.DataFrame:
    """Columns `prompt_id`, `value` and `best_task` (of the prompt's best problem), where there is a score."""
    best = (
        scores.sort(["problem_id", "score", "task"], descending=[False, True, False])
        .group_by("problem_id", maintain_order=True)
        .first()
        .select("problem_id", value="score", best_task="task")
    )
    of_prompts = problems.select("problem_id", "prompt_id").join(best, on="problem_id", how="inner")
    value = pl.col("value").max() if prompt_value == "max" else pl.col("value").mean()
    return (
        of_prompts.filter(pl.col("prompt_id").is_not_null())
        .sort(["value", "problem_id"], descending=[True, False])
        .group_by("prompt_id", maintain_order=True)
        .agg(value, pl.col("best_task").first())
    )


def highest(pool: pl.DataFrame, count: int) -> pl.DataFrame:
    """The rows of highest value, ties by least id."""
    return pool.sort(["value", "prompt_id"], descending=[True, False]).head(count)


def drawn(pool: pl.DataFrame, count: int, seed: int) -> pl.DataFrame:
    """The rows with the least hash of (seed, id)."""
    order = pl.Series([draw_order(seed, row_id) for row_id in pool["prompt_id"]], dtype=pl.Int64)
    return pool.with_columns(order=order).sort("order", "prompt_id").head(count).drop("order")


def _spread(prompts: pl.DataFrame) -> dict[str, int]:
    return {
        f"{column}/{name}": count
        for column in ("source", "level", "kind")
        for name, count in _counts(prompts[column]).items()
    }


def _counts(column: pl.Series) -> dict[str, int]:
    counts = column.cast(pl.String).value_counts(name="rows").sort(column.name)
    return dict(counts.iter_rows())


def _quantiles(values: pl.Series) -> dict[str, float]:
    if values.is_empty():
        return {}
    return {str(share): float(values.quantile(share, "nearest") or 0.0) for share in QUANTILES}
