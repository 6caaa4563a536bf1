"""The value of a problem: its highest influence score over the target tasks (LESS).

Ties go to the first task by name. Costs milliseconds per thousand rows.
"""

import polars as pl

from jz3.tables.value import Value

METHOD = "influence"


def influence_values(scores: pl.DataFrame) -> pl.DataFrame:
    """Rows of Value from rows of InfluenceScore; the values at single checkpoints are also highest over the
    tasks.
    """
    best = (
        scores.sort(["problem_id", "score", "task"], descending=[False, True, False])
        .group_by("problem_id", maintain_order=True)
        .first()
        .select("problem_id", "loss", "solution_tokens", "task", value="score", method=pl.lit(METHOD))
    )
    cosines = (
        scores.select("problem_id", "task", "cosines")
        .with_columns(checkpoint=pl.int_ranges(pl.col("cosines").list.len()))
        .explode("cosines", "checkpoint")
        .group_by("problem_id", "checkpoint")
        .agg(pl.col("cosines").max())
        .sort("problem_id", "checkpoint")
        .group_by("problem_id", maintain_order=True)
        .agg("cosines")
    )
    return best.join(cosines, on="problem_id").select(Value.column_names())
