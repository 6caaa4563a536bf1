"""The value of a prompt, from the influence scores of its problems.

The value of a problem is its highest score over the target tasks. A prompt with several problems takes the
highest or the mean value of them, and its loss, its length and its values by checkpoint likewise. Costs
milliseconds a thousand rows.
"""

from typing import Literal

import polars as pl

PromptValue = Literal["max", "mean"]


def prompt_values(scores: pl.DataFrame, problems: pl.DataFrame, prompt_value: PromptValue) -> pl.DataFrame:
    """The columns of RankedPrompt from `problems` on, for each prompt that has a score.

    `scores` are rows of InfluenceScore, `problems` of Problem. `best_task` is that of the prompt's best
    problem; ties go to the least problem and the least name of a task.
    """
    of_problems = (
        problems.select("problem_id", "prompt_id")
        .filter(pl.col("prompt_id").is_not_null())
        .join(_problem_values(scores), on="problem_id", how="inner")
        .sort(["value", "problem_id"], descending=[True, False])
    )
    figures = ("value", "loss", "solution_tokens")
    of_prompts = of_problems.group_by("prompt_id", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("problems"),
        pl.col("best_task").first(),
        *(_combined(name, prompt_value) for name in figures),
    )
    cosines = _by_checkpoint(
        of_problems.select("prompt_id", "problem_id", "cosines"), ["prompt_id"], prompt_value
    )
    return of_prompts.join(cosines, on="prompt_id")


def _problem_values(scores: pl.DataFrame) -> pl.DataFrame:
    """Columns `problem_id`, `value`, `best_task`, `loss`, `solution_tokens` and `cosines`."""
    best = (
        scores.sort(["problem_id", "score", "task"], descending=[False, True, False])
        .group_by("problem_id", maintain_order=True)
        .first()
        .select(
            "problem_id", "loss", pl.col("solution_tokens").cast(pl.Float64), value="score", best_task="task"
        )
    )
    cosines = _by_checkpoint(scores.select("problem_id", "task", "cosines"), ["problem_id"], "max")
    return best.join(cosines, on="problem_id")


def _by_checkpoint(rows: pl.DataFrame, keys: list[str], how: PromptValue) -> pl.DataFrame:
    """Lists of cosines, combined place by place over the rows of a key, which are sorted first."""
    return (
        rows.sort(pl.exclude("cosines"))
        .with_columns(checkpoint=pl.int_ranges(pl.col("cosines").list.len()))
        .explode("cosines", "checkpoint")
        .group_by(*keys, "checkpoint", maintain_order=True)
        .agg(_combined("cosines", how))
        .sort(*keys, "checkpoint")
        .group_by(keys, maintain_order=True)
        .agg("cosines")
    )


def _combined(column: str, how: PromptValue) -> pl.Expr:
    return pl.col(column).max() if how == "max" else pl.col(column).mean()
