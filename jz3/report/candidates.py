"""A candidate problem with its score, its source passage and its prompt, as the selection shows it."""

from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.core.artifacts import In
from jz3.report.rendering import render
from jz3.report.writing import count, paragraphs, written
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt


def whole(
    drawn: pl.DataFrame, problems: In[Problem], prompts: In[Prompt], passages: In[Passage]
) -> pl.DataFrame:
    """The problems that `drawn` names by `problem_id`, beside its columns those of passage and prompt."""
    of_passage = pl.col("passage_id", "origin", "licence", "text")
    return (
        problems.scan()
        .join(drawn.lazy(), on="problem_id", how="inner")
        .join(passages.scan().select(of_passage), on="passage_id", how="left")
        .join(prompts.scan().select("prompt_id", "full"), on="prompt_id", how="left")
        .collect()
    )


def problem_values(influence: In[InfluenceScore]) -> pl.DataFrame:
    """For each problem its highest score (the value by which `select` chooses), the task of that score,
    and its rank.
    """
    return (
        influence.scan()
        .sort("problem_id", "score", "task", descending=[False, True, False])
        .group_by("problem_id", maintain_order=True)
        .first()
        .select("problem_id", "loss", value="score", task="task")
        .with_columns(rank=pl.col("value").rank("min", descending=True).cast(pl.Int64))
        .collect()
    )


def article(title: str, row: dict[str, Any], valued: int) -> Markup:
    """One row of `whole`, of which `valued` problems have a value."""
    return render(
        "candidate.html",
        title=f"{title}, {row['kind']}",
        row_id=row["problem_id"],
        score=_score(row, valued),
        problem=written(row["problem"]),
        solution=written(row["solution"], output="output as the solution claims it"),
        answer=row["answer"],
        where=f"Source passage: {row['source']}, {row['origin'] or ''}, {row['licence'] or ''}",
        passage=paragraphs(row["text"] or "The passage is not among the candidates' sample."),
        prompt=row["full"] or "",
    )


def _score(row: dict[str, Any], valued: int) -> str:
    if row["value"] is None:
        return "Score: none (it was too long for the reference model, or not valued)"
    value, loss, rank = float(row["value"]), float(row["loss"]), int(row["rank"])
    return f"Score {value:.3g} on {row['task']}, rank {count(rank)} of {count(valued)}; loss {loss:.2f} nats"
