"""Ten sample problems of each level with their score and source passage.

They are drawn by hash among the candidates that have a score, so that the page shows what the synthesis model
writes and not the best of it; those of highest value stand first. Only the drawn rows are read.
"""

from dataclasses import dataclass
from typing import Any

import polars as pl

from jz3.core.artifacts import In
from jz3.core.hashing import draw_order
from jz3.report.markup import Html, classed, element, folded, joined
from jz3.report.writing import count, paragraphs, written
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.words import LEVELS

EACH = 10  # issue: ten of each level
SEED = 0  # chosen: any will do; the draw changes nothing but what is looked at


@dataclass(frozen=True)
class Samples:
    """Drawn problems with the columns of their value, passage and prompt; and how many have a value."""

    rows: pl.DataFrame
    valued: int


def draw_samples(
    problems: In[Problem], prompts: In[Prompt], passages: In[Passage], influence: In[InfluenceScore]
) -> Samples:
    """Up to EACH problems of each level; those without a score only where too few have one."""
    values = problem_values(influence)
    keys = problems.scan().select("problem_id", "level").collect()
    order = pl.Series([draw_order(SEED, row_id) for row_id in keys["problem_id"]], dtype=pl.Int64)
    drawn = (
        keys.with_columns(order=order)
        .join(values, on="problem_id", how="left")
        .sort(pl.col("value").is_null(), "order", "problem_id")
        .group_by("level", maintain_order=True)
        .head(EACH)
        .drop("level", "order")
    )
    rows = whole(drawn, problems, prompts, passages)
    rows = rows.sort("value", "problem_id", descending=[True, False], nulls_last=True)
    return Samples(rows, values.height)


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
    """Of each problem its highest score (the value by which `select` chooses), the task, and its rank."""
    return (
        influence.scan()
        .sort("problem_id", "score", "task", descending=[False, True, False])
        .group_by("problem_id", maintain_order=True)
        .first()
        .select("problem_id", "loss", value="score", task="task")
        .with_columns(rank=pl.col("value").rank("min", descending=True).cast(pl.Int64))
        .collect()
    )


def sample_section(samples: Samples) -> Html:
    """The samples, level by level."""
    return joined(_level(level, samples) for level in LEVELS)


def _level(level: str, samples: Samples) -> Html:
    rows = samples.rows.filter(pl.col("level") == level)
    title = element("h3", f"{level} ({rows.height})", attributes={"id": f"level-{level}"})
    none = [] if rows.height else [element("p", "There is no candidate problem of this level.")]
    shown = [
        article(f"{level} {number}", row, samples.valued)
        for number, row in enumerate(rows.iter_rows(named=True), start=1)
    ]
    return joined([title, *none, *shown])


def article(title: str, row: dict[str, Any], valued: int) -> Html:
    """One row of `whole`, of which `valued` problems have a value."""
    answer = element("p", "Answer: ", element("code", row["answer"])) if row["answer"] else Html()
    passage = row["text"] or "The passage is not among the candidates' sample."
    where = f"Source passage: {row['source']}, {row['origin'] or ''}, {row['licence'] or ''}"
    return classed(
        "article",
        "sample",
        element("h4", f"{title}, {row['kind']}"),
        classed("p", "score", _score(row, valued)),
        classed("div", "problem", written(row["problem"])),
        written(row["solution"]),
        answer,
        folded(where, paragraphs(passage)),
        folded("Prompt in its full form", element("pre", row["full"] or "")),
    )


def _score(row: dict[str, Any], valued: int) -> str:
    if row["value"] is None:
        return "Score: none (it was too long for the reference model, or not valued)"
    value, loss, rank = float(row["value"]), float(row["loss"]), int(row["rank"])
    return f"Score {value:.3g} on {row['task']}, rank {count(rank)} of {count(valued)}; loss {loss:.2f} nats"
