"""The value of problems by how often a solver gets them right, for a selection by difficulty.

A problem is worth more, the closer its pass rate is to the one sought: with 0 the hardest are best, with 0.5
those that the solver gets right half of the time, from which it can learn most. A problem without a rate (it
has no answer, or no draw came) has no value, and the ledger counts it as `difficulty.no_rate`. Costs a call
of the tokenizer, and a frame of problems in memory as well as the rates.
"""

from collections.abc import Generator
from typing import TYPE_CHECKING

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import In
from jz3.core.params import Params
from jz3.core.text_tokens import text_encodings
from jz3.selection.selection_spread import quantiles
from jz3.tables.ledger import Ledger
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.tables.value import Value

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

METHOD = "difficulty"
"""The method's name in the tables."""
NO_RATE = "difficulty.no_rate"
FRAME_ROWS = 8_192
"""Problems whose solutions are tokenised together (chosen: some 10 MB of text)."""


class DifficultyParams(Params):
    """A section `difficulty.NAME`."""

    sought: float = Field(ge=0, le=1)
    """The pass rate that is worth most."""


class DifficultyMetrics(BaseModel):
    """Rows are problems."""

    method: str
    rows: Ledger
    rate: dict[str, float]
    """Quantiles of the pass rates, keyed by probability."""
    value: dict[str, float]
    """Quantiles of the values, likewise."""


def valued_by_rate(
    problems: In[Problem],
    rates: In[PassRate],
    tokenizer: "PreTrainedTokenizerFast",
    params: DifficultyParams,
) -> Generator[pl.DataFrame, None, DifficultyMetrics]:
    """Tables of Value, in the order of the problems; returns their account at the end.

    `rates` must be of one solver.
    """
    known = rates.scan().select("problem_id", "rate").drop_nulls("rate").collect()
    read, found = 0, [pl.Series(dtype=pl.Float64)]
    for frame in problems.columns("problem_id", "solution", rows=FRAME_ROWS):
        read += frame.height
        rated = frame.join(known, on="problem_id", how="inner", maintain_order="left")
        if rated.height:
            found.append(rated["rate"])
            yield _rows(rated, tokenizer, params.sought)
    every = pl.concat(found)
    return DifficultyMetrics(
        method=METHOD,
        rows=Ledger(
            read=read,
            kept=len(every),
            rejected={NO_RATE: read - len(every)} if read > len(every) else {},
            failed=0,
        ),
        rate=quantiles(every),
        value=quantiles(_worth(every, params.sought)),
    )


def _rows(rated: pl.DataFrame, tokenizer: "PreTrainedTokenizerFast", sought: float) -> pl.DataFrame:
    tokens = [max(1, len(one.ids)) for one in text_encodings(tokenizer, rated["solution"].to_list())]
    rows = rated.select(
        "problem_id",
        method=pl.lit(METHOD),
        value=_worth(rated["rate"], sought),
        solution_tokens=pl.Series(tokens, dtype=pl.Int64),
    )
    return pl.concat([Value.create_empty(), rows], how="diagonal")  # no task, loss and cosines


def _worth(rates: pl.Series, sought: float) -> pl.Series:
    return 1.0 - (rates - sought).abs()
