"""The value of a prompt, from the values of its problems.

A prompt with several problems gets their highest or mean value; its loss, its length and its values by
checkpoint are combined in the same way. Costs milliseconds per thousand rows.
"""

from typing import Literal

import polars as pl

PromptValue = Literal["max", "mean"]


def prompt_values(values: pl.DataFrame, problems: pl.DataFrame, prompt_value: PromptValue) -> pl.DataFrame:
    """The columns of RankedPrompt from `problems` on, for each prompt that has a value.

    `values` are rows of Value by one method, `problems` of Problem. `best_task` is that of the prompt's best
    problem; of equal ones the one with the smallest id counts.
    """
    of_problems = (
        problems.select("problem_id", "prompt_id")
        .filter(pl.col("prompt_id").is_not_null())
        .join(values, on="problem_id", how="inner")
        .with_columns(pl.col("solution_tokens").cast(pl.Float64))
        .sort(["value", "problem_id"], descending=[True, False])
    )
    figures = ("value", "loss", "solution_tokens")
    of_prompts = of_problems.group_by("prompt_id", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("problems"),
        pl.col("task").first().alias("best_task"),
        *(_combined(name, prompt_value) for name in figures),
    )
    return of_prompts.join(_by_checkpoint(of_problems, prompt_value), on="prompt_id", how="left")


def _by_checkpoint(of_problems: pl.DataFrame, how: PromptValue) -> pl.DataFrame:
    """For each prompt the list of its values by checkpoint, combined over its problems. These are sorted
    first, because a sum of floats depends on their order.
    """
    return (
        of_problems.select("prompt_id", "problem_id", "cosines")
        .drop_nulls("cosines")
        .sort("prompt_id", "problem_id")
        .with_columns(checkpoint=pl.int_ranges(pl.col("cosines").list.len()))
        .explode("cosines", "checkpoint")
        .group_by("prompt_id", "checkpoint", maintain_order=True)
        .agg(_combined("cosines", how))
        .sort("prompt_id", "checkpoint")
        .group_by("prompt_id", maintain_order=True)
        .agg("cosines")
    )


def _combined(column: str, how: PromptValue) -> pl.Expr:
    return pl.col(column).max() if how == "max" else pl.col(column).mean()
