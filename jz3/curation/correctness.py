"""Which problems of a recipe are right, before curation, by the problem writer's own checker.

Where the writer was the teacher, problems are written in the manner of its families, and one that a family
reads has an exact answer. A tool problem is correct if its program ends well and prints that answer;
a prose problem if its box holds it. What no family reads counts as not correct. With another teacher no
family could read anything, and the shares are null. Costs about a millisecond a problem.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl
from pydantic import BaseModel

from jz3.answers.equality import equal
from jz3.core.artifacts import In
from jz3.core.progress import progress
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.problem import Problem
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.family import plain

FRAME = 10_000  # rows in memory at once; chosen


class CorrectnessMetrics(BaseModel):
    """Of a recipe's problems before curation. `read` is worded as a family words its problems."""

    tool_problems: int
    tool_read: int
    tool_correct: int
    tool_correct_share: float | None
    """Of all tool problems, those that no family reads included; null without a writer as teacher."""
    prose_problems: int
    prose_read: int
    prose_correct: int
    prose_correct_share: float | None
    families_read: int
    """Families of which there is a problem."""
    families: int
    """Families that the writer has."""


def check_problems(
    problems: In[Problem], results: In[ExecutionResult], measured: Mapping[str, Any]
) -> CorrectnessMetrics:
    """The counts over all problems.

    `measured` are the metrics of every KD set, which say who the teacher was.
    """
    totals = dict(problems.scan().group_by("kind").len().collect().iter_rows())
    counts = Counter({(kind, "all"): number for kind, number in totals.items()})
    families: set[str] = set()
    if by_writer := _is_writers(measured):
        for kind, family, correct in _checked(problems, results, sum(totals.values())):
            counts[kind, "read"] += 1
            counts[kind, "correct"] += correct
            families.add(family)
    return CorrectnessMetrics(
        tool_problems=counts["tool", "all"],
        tool_read=counts["tool", "read"],
        tool_correct=counts["tool", "correct"],
        tool_correct_share=_share(counts, "tool") if by_writer else None,
        prose_problems=counts["cot", "all"],
        prose_read=counts["cot", "read"],
        prose_correct=counts["cot", "correct"],
        prose_correct_share=_share(counts, "cot") if by_writer else None,
        families_read=len(families),
        families=len(FAMILIES),
    )


def _is_writers(measured: Mapping[str, Any]) -> bool:
    """Whether the built-in writer wrote any KD set."""
    sets = (values for stage, values in measured.items() if stage.startswith("distill/"))
    return any(values["provider"] == "writer" for values in sets)


def _share(counts: Mapping[tuple[str, str], int], kind: str) -> float | None:
    return counts[kind, "correct"] / counts[kind, "all"] if counts[kind, "all"] else None


def _checked(
    problems: In[Problem], results: In[ExecutionResult], total: int
) -> Iterator[tuple[str, str, bool]]:
    """Kind, family and whether it is correct, of each problem that a family reads."""
    columns = ["problem_id", "kind", "problem", "answer"]
    printed = _printed(results)
    rows = (row for frame in problems.frames(FRAME) for row in frame.select(columns).iter_rows())
    for row_id, kind, problem, boxed in progress(rows, "check", total, "problems"):
        reading = read(problem)
        if reading is None:
            continue
        given = printed.get(row_id) if kind == "tool" else boxed
        exact = reading.answer
        right = given is not None and exact is not None and equal(plain(exact), given).equal
        yield kind, reading.family.name, right


def _printed(results: In[ExecutionResult]) -> dict[str, str]:
    """What the programs that ended well printed, by problem."""
    ended = (
        results.scan()
        .filter(pl.col("status") == "ok")
        .select("problem_id", pl.col("output").str.strip_chars())
    )
    return dict(ended.collect().iter_rows())
