"""Thoughts in training rows: before the solution, between marks, as models that think write them.

Promises: the only marks of thoughts in a training set are those that this module writes, so that thoughts and
answers of the trained model can be told apart again (`jz3/notation/thoughts.py`). A row whose own text has
such a mark is rejected as `mix.marked_thought`, whatever the form. Costs a search in each text, and memory
for the thoughts of the rows at hand.
"""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from jz3.notation.thoughts import MARK
from jz3.tables.thought import Thought
from jz3.tables.turn import Turn

OPENING, CLOSING = "<think>\n", "\n</think>\n\n"
"""As in the chat templates of Qwen3 and of DeepSeek-R1; `pack` reads them like this."""
FRAME_ROWS = 50_000
"""Rows whose texts are searched at a time."""


def marked_rows(problems: pl.LazyFrame, thoughts: pl.LazyFrame) -> pl.DataFrame:
    """Columns `problem_id`, `rule`: rows of Problem with a mark in their own text or in their thought.

    `thoughts` (a table of Thought) are the ones that will be used.
    """
    marked = [
        _ids_where(problems, pl.any_horizontal(pl.col("problem", "solution").str.contains(MARK))),
        _ids_where(thoughts, pl.col("thought").str.contains(MARK)),
    ]
    ids = pl.concat(marked).unique().sort("problem_id")
    return ids.with_columns(rule=pl.lit("mix.marked_thought"))


def thoughts_of(rows: pl.DataFrame, thoughts: pl.LazyFrame) -> pl.DataFrame:
    """The rows with a column `thought`, null if there is none, in the same order.

    The rows must be sorted by id: only thoughts between the first and the last id are read.
    """
    ids = rows["problem_id"]
    near = thoughts.filter(pl.col("problem_id").is_between(pl.lit(ids.min()), pl.lit(ids.max())))
    said = near.filter(pl.col("thought").str.strip_chars() != "")
    return rows.join(said.collect(), on="problem_id", how="left", maintain_order="left")


def before_solution(solution: str) -> pl.Expr:
    """A column of solutions, each preceded by its thought if it has one."""
    thought = pl.col("thought").str.strip_chars()
    return (
        pl.when(thought.is_null())
        .then(solution)
        .otherwise(pl.concat_str(pl.lit(OPENING), thought, pl.lit(CLOSING), solution))
    )


def with_thought(turns: Sequence[Turn], thought: str | None) -> list[Turn]:
    """The turns of a row, with its thought at the start of the first answer."""
    if thought is None:
        return list(turns)
    first = next(place for place, turn in enumerate(turns) if turn.role == "assistant")
    said = turns[first]
    marked = replace(said, text=f"{OPENING}{thought.strip()}{CLOSING}{said.text}")
    return [*turns[:first], marked, *turns[first + 1 :]]


def no_thoughts() -> pl.LazyFrame:
    """An empty table of Thought."""
    return Thought.create_empty().lazy()


def _ids_where(table: pl.LazyFrame, condition: pl.Expr) -> pl.DataFrame:
    found = [
        frame.filter(condition).select("problem_id")
        for frame in table.collect_batches(chunk_size=FRAME_ROWS, maintain_order=True)
    ]
    return pl.concat([pl.DataFrame(schema={"problem_id": pl.String}), *found])
