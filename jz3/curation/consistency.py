"""Self-consistency: enough of a solver's answers to a problem must equal the problem's own.

It reads the pass rates that `solve` left and asks no model. `recipes` in the graph says which solver's table
applies to a recipe. A problem that was not given to the solver stays as it is: `data/unsolved` lists it.
Costs a join.
"""

import logging
from collections.abc import Mapping
from typing import Any

import polars as pl
from pydantic import Field, model_validator

from jz3.core.errors import UserError
from jz3.core.params import Params
from jz3.curation.verdicts import shown

log = logging.getLogger(__name__)

SCHEMA = {"row_id": pl.String, "rule": pl.String, "evidence": pl.String}


class SelfConsistency(Params):
    """How many of a solver's answers must equal the problem's."""

    draws: int = Field(ge=1)
    """Must equal `solve.NAME.draws` of the solver whose rates are read."""
    least_agreeing: int = Field(ge=1)

    @model_validator(mode="after")
    def _can_agree(self) -> "SelfConsistency":
        if self.least_agreeing > self.draws:
            raise ValueError(f"least_agreeing {self.least_agreeing} is above draws {self.draws}")
        return self


def inconsistent_rows(problems: pl.LazyFrame, rates: pl.DataFrame, params: SelfConsistency) -> pl.DataFrame:
    """Columns `row_id`, `rule` and `evidence` of rows with `filter.inconsistent`, or `filter.unchecked` if
    too few answers came to tell. `problems` are rows of Problem, `rates` of PassRate from one solver.

    Raises UserError if the rates are based on another number of draws, or cover none of the problems.
    """
    if rates.is_empty():
        log.warning("self_consistency checks nothing: no solver has answered these problems")
        return pl.DataFrame(schema=SCHEMA)
    most = rates["draws"].max()
    if isinstance(most, int) and most > params.draws:
        raise UserError(
            f"self_consistency.draws is {params.draws}, and the solver '{rates['solver'][0]}' drew "
            f"{most} answers to a problem; the same number was expected. Set both to one."
        )
    answered = problems.select("problem_id", "answer").join(rates.lazy(), on="problem_id").collect()
    if answered.is_empty() and problems.select(pl.len()).collect().item():
        raise UserError(
            f"the solver '{rates['solver'][0]}' has answered none of the problems that self_consistency "
            f"checks; rates of these problems were expected. Name their solver at `rates` of the recipe in "
            f"graph.yaml."
        )
    found = [
        (row["problem_id"], *finding)
        for row in answered.drop_nulls("right").sort("problem_id").iter_rows(named=True)
        if (finding := judge(row, params)) is not None
    ]
    return pl.DataFrame(found, schema=SCHEMA, orient="row")


def judge(row: Mapping[str, Any], params: SelfConsistency) -> tuple[str, str] | None:
    """Rule and evidence if too few draws of a row of PassRate are right; None if the row is kept. If the
    missing draws could still decide, the rule is `filter.unchecked`.
    """
    if row["right"] >= params.least_agreeing:
        return None
    most = f"{row['votes']} say {row['voted']!r}" if row["votes"] else "none has a box"
    evidence = shown(f"{row['right']} of {row['draws']} say {row['answer']!r}; {most}")
    undecided = row["right"] + params.draws - row["draws"] >= params.least_agreeing
    return ("filter.unchecked" if undecided else "filter.inconsistent", evidence)
