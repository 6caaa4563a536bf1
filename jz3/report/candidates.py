"""A candidate problem with its score, its source passage and its prompt, as shown for a selection."""

from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.core.artifacts import In
from jz3.report.rendering import render
from jz3.report.writing import count, paragraphs, written
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.value import Value


def whole(
    drawn: pl.DataFrame, problems: In[Problem], prompts: In[Prompt], passages: In[Passage]
) -> pl.DataFrame:
    """The problems that `drawn` names by `problem_id`, with its columns and those of passage and prompt."""
    of_passage = pl.col("passage_id", "origin", "licence", "text")
    return (
        problems.scan()
        .join(drawn.lazy(), on="problem_id", how="inner")
        .join(passages.scan().select(of_passage), on="passage_id", how="left")
        .join(prompts.scan().select("prompt_id", "full"), on="prompt_id", how="left")
        .collect()
    )


def problem_values(values: In[Value]) -> pl.DataFrame:
    """For each problem its value, the task that gives it, its loss and its rank."""
    return (
        values.scan()
        .sort("problem_id")
        .select("problem_id", "loss", "value", "task")
        .with_columns(rank=pl.col("value").rank("min", descending=True).cast(pl.Int64))
        .collect()
    )


def article(title: str, row: dict[str, Any], valued: int) -> Markup:
    """A row of `whole` as an article; `valued` is the number of problems with a value."""
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
    task = "" if row["task"] is None else f" on {row['task']}"
    loss = "" if row["loss"] is None else f"; loss {float(row['loss']):.2f} nats"
    return f"Score {float(row['value']):.3g}{task}, rank {count(int(row['rank']))} of {count(valued)}{loss}"
