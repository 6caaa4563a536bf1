"""How many rows are right before curation and after it, by the checker of `correctness`.

Before: all problems of a recipe. After: those in a training set. A problem that the checker cannot read
counts as not right on both sides, so that no rule gains by keeping what cannot be checked.
"""

from collections.abc import Mapping

import dataframely as dy
import polars as pl

from jz3.core.artifacts import In
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.training_row import TrainingRow
from jz3.tables.words import KINDS


class RightRows(dy.Schema):
    """Counts of problems and of right ones by recipe and kind (or `all`): of all its problems, and of those
    in a training set.
    """

    model = dy.String(primary_key=True)  # the model whose training set it is
    recipe = dy.String(primary_key=True)
    kind = dy.Enum([*KINDS, "all"], primary_key=True)
    before = dy.Int64(min=0)  # problems of the recipe
    right_before = dy.Int64(min=0)
    after = dy.Int64(min=1)  # rows of the set
    right_after = dy.Int64(min=0)


def right_rows(
    checked: Mapping[str, In[CheckedProblem]], training: Mapping[str, In[TrainingRow]]
) -> dy.DataFrame[RightRows]:
    """A row for each kind, and for all kinds, of each recipe in each set that holds any of its problems.

    Recipes of which the checker can read nothing, such as those of teachers other than the built-in writer,
    have none. Costs a read of the ids.
    """
    found = [
        _of_set(judged, table).with_columns(model=pl.lit(model), recipe=pl.lit(recipe))
        for recipe, problems in checked.items()
        for judged in [problems.scan().select("problem_id", "kind", "right").collect()]
        if judged["right"].count()
        for model, table in training.items()
    ]
    rows = pl.concat(
        [RightRows.create_empty(), *(one.select(RightRows.column_names()).cast(_SCHEMA) for one in found)]
    )
    return RightRows.validate(rows.sort("recipe", "model", "kind"))


_SCHEMA = RightRows.create_empty().schema


def _of_set(judged: pl.DataFrame, training: In[TrainingRow]) -> pl.DataFrame:
    held = training.scan().select("row_id").unique().collect()["row_id"]
    marked = judged.with_columns(
        pl.col("kind").cast(pl.String), held=pl.col("problem_id").is_in(held.implode())
    )
    both = pl.concat([marked, marked.with_columns(kind=pl.lit("all"))])
    return (
        both.group_by("kind")
        .agg(
            before=pl.len(),
            right_before=pl.col("right").sum(),
            after=pl.col("held").sum(),
            right_after=(pl.col("right") & pl.col("held")).sum(),
        )
        .filter(pl.col("after") > 0)
    )
