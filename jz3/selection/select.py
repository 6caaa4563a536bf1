"""Chooses the candidate prompts that the teacher answers in the second round.

The prompts with the highest value (ties by id) are added to all the initial ones; or, for comparison, as many
in another order (`select_order.py`). Candidates on a passage of the initial set are never chosen. Every
candidate gets a row with its value, its rank and, if it was not chosen, the rule. Values come from a single
method, which the graph names. Costs milliseconds per thousand rows.
"""

from dataclasses import dataclass

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.counts import counts
from jz3.core.errors import UserError
from jz3.core.params import Params, Seed
from jz3.selection.prompt_values import PromptValue, prompt_values
from jz3.selection.select_order import By, ordered
from jz3.selection.selection_spread import Agreement, agreement, quantiles, spread
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.ranked_prompt import RankedPrompt
from jz3.tables.value import Value

INITIAL_PASSAGE = "select.initial_passage"
NO_SCORE = "select.no_score"

RULES: dict[By, str] = {
    "value": "select.lower_value",
    "random": "select.not_drawn",
    "length_matched": "select.not_drawn",
    "highest_loss": "select.lower_loss",
    "longest": "select.shorter",
    "stratified": "select.lower_value",
}
"""The rule, by order, for prompts that could have been chosen but were not."""


class ValuesError(UserError):
    """Values of several methods, which cannot be compared."""


class SelectParams(Params):
    """Section `select`."""

    count: int = Field(ge=0)
    """Candidate prompts to choose; 0 takes only the initial ones, to compare a choice with."""
    by: By
    """`value`; or, for comparison, `random`, `length_matched` (drawn so that lengths match those of the
    highest values), `highest_loss`, `longest` (solution) or `stratified` (by value, each source and
    level in proportion).
    """
    prompt_value: PromptValue
    """How the values of a prompt's problems are combined if it has several."""
    seed: Seed
    """The seed of the draws."""


class SelectMetrics(BaseModel):
    """`rows` are the initial and the candidate prompts; kept are the boosted ones.

    `pool` describes the candidate prompts that could be chosen, `selected` those chosen: numbers of prompts
    by `source/NAME`, `level/NAME`, `kind/NAME` and `length/FROM-TO` (tokens of the solution), and quantiles
    of value by probability, such as `0.05`.
    """

    rows: Ledger
    by: By
    method: str | None
    """The method that gave the values; null if no problem has one."""
    pool: dict[str, int]
    selected: dict[str, int]
    pool_value: dict[str, float]
    selected_value: dict[str, float]
    best_task: dict[str, int]
    """Chosen prompts by the task that gives them their value; empty for a method without tasks."""
    agreement: Agreement


@dataclass(frozen=True)
class Selection:
    """Rows of Prompt: the initial ones and the chosen; rows of RankedPrompt; and the metrics."""

    boosted: pl.DataFrame
    ranking: pl.DataFrame
    metrics: SelectMetrics


def select(
    values: dy.DataFrame[Value],
    problems: dy.DataFrame[Problem],
    candidates: dy.DataFrame[Prompt],
    initial: dy.DataFrame[Prompt],
    params: SelectParams,
) -> Selection:
    """The initial prompts and `params.count` of the candidates, or all that have a value if there are
    fewer.
    """
    method = method_of(values)
    of_prompts = prompt_values(values, problems, params.prompt_value)
    ranking = _ranking(candidates, initial, of_prompts, params)
    kinds = candidates.select("prompt_id", "kind")
    pool = ranking.filter(pl.col("place").is_not_null()).join(kinds, on="prompt_id")
    chosen = pool.filter(pl.col("rule").is_null())
    boosted = pl.concat([initial, candidates.join(chosen, on="prompt_id", how="semi")]).sort("prompt_id")
    return Selection(
        boosted,
        ranking,
        SelectMetrics(
            rows=Ledger(
                read=initial.height + candidates.height,
                kept=boosted.height,
                rejected=counts(ranking["rule"].drop_nulls()),
                failed=0,
            ),
            by=params.by,
            method=method,
            pool=spread(pool),
            selected=spread(chosen),
            pool_value=quantiles(pool["value"]),
            selected_value=quantiles(chosen["value"]),
            best_task=counts(chosen["best_task"].drop_nulls()),
            agreement=agreement(pool, params.count),
        ),
    )


def method_of(values: pl.DataFrame) -> str | None:
    """The method of rows of Value; None if there are no rows. Raises ValuesError if there are several."""
    methods = sorted(set(values["method"]))
    if len(methods) > 1:
        raise ValuesError(
            f"the values are by {', '.join(methods)}; those of one method were expected, as others are on "
            f"another scale. Give the table that one stage left."
        )
    return methods[0] if methods else None


def _ranking(
    candidates: pl.DataFrame, initial: pl.DataFrame, values: pl.DataFrame, params: SelectParams
) -> pl.DataFrame:
    """A row of RankedPrompt for each candidate."""
    free = candidates.join(initial, on="passage_id", how="anti")
    pool = ordered(free.join(values, on="prompt_id"), params.by, params.seed)
    places = pool.select("prompt_id").with_row_index("place", offset=1)
    rule = (
        pl.when(~pl.col("prompt_id").is_in(free["prompt_id"].implode()))
        .then(pl.lit(INITIAL_PASSAGE))
        .when(pl.col("place").is_null())
        .then(pl.lit(NO_SCORE))
        .when(pl.col("place") > params.count)
        .then(pl.lit(RULES[params.by]))
    )
    return (
        candidates.select("prompt_id", "source", "level")
        .join(places, on="prompt_id", how="left")
        .join(values, on="prompt_id", how="left")
        .with_columns(pl.col("place").cast(pl.Int64), pl.col("problems").fill_null(0), rule=rule)
        .select(RankedPrompt.column_names())
        .sort("prompt_id")
    )
