"""Which problems of a recipe are right, before curation, by the problem writer's own checker.

If the writer was the teacher, problems are worded like those of its families, and a problem that a family can
read has an exact answer. A tool problem is correct if its program runs without error and prints that answer;
a prose problem if its box contains it. A problem that no family can read counts as not correct.

Problems of another teacher are not worded like that, so none of a recipe is judged if no family can read any
of its first FRAME problems: `right` and the shares are null. Ids are hashes, so the first ones are a random
sample. The stage asks the problems themselves rather than the metrics of all teachers, which change with
every recipe. Costs about a millisecond per problem.
"""

from collections.abc import Iterator, Mapping

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.answers.equality import equal
from jz3.core.artifacts import In
from jz3.core.progress import progress
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.problem import Problem
from jz3.tables.words import KINDS
from jz3.writer.catalogue import FAMILIES, read
from jz3.writer.family import plain

FRAME = 10_000  # rows in memory at once, and those that decide whether the others are read; chosen


class CorrectnessMetrics(BaseModel):
    """Correctness of a recipe's problems before curation. A problem counts as `read` if its wording is
    that of a family of the writer.
    """

    tool_problems: int
    tool_read: int
    tool_correct: int
    tool_correct_share: float | None
    """Share of all tool problems, also of those that no family reads; null if no problem was judged."""
    prose_problems: int
    prose_read: int
    prose_correct: int
    prose_correct_share: float | None
    families_read: int
    """Families that read at least one problem."""
    families: int
    """Families of the writer."""


def check_problems(problems: In[Problem], results: In[ExecutionResult]) -> dy.DataFrame[CheckedProblem]:
    """A row for each problem, in the order of their ids."""
    printed = _printed(results) if _some_is_read(problems) else None
    rows = [
        row
        for frame in progress(problems.frames(FRAME), "check", -(-problems.rows() // FRAME), "frames")
        for row in _checked(frame, printed)
    ]
    schema = CheckedProblem.create_empty().schema
    return CheckedProblem.validate(pl.DataFrame(rows, schema=schema, orient="row").sort("problem_id"))


def correctness_metrics(checked: dy.DataFrame[CheckedProblem]) -> CorrectnessMetrics:
    """The counts over all problems; the shares are null if none was judged."""
    judged = checked["right"].count() > 0
    families = checked["family"].drop_nulls().n_unique()
    found = {
        kind: (rows.height, rows["family"].count(), int(rows["right"].sum()))
        for kind in KINDS
        for rows in [checked.filter(pl.col("kind") == kind)]
    }

    def share(kind: str) -> float | None:
        total, _, correct = found[kind]
        return correct / total if total and judged else None

    return CorrectnessMetrics(
        tool_problems=found["tool"][0],
        tool_read=found["tool"][1],
        tool_correct=found["tool"][2],
        tool_correct_share=share("tool"),
        prose_problems=found["cot"][0],
        prose_read=found["cot"][1],
        prose_correct=found["cot"][2],
        prose_correct_share=share("cot"),
        families_read=families,
        families=len(FAMILIES),
    )


def _some_is_read(problems: In[Problem]) -> bool:
    first = next(iter(problems.frames(FRAME)), None)
    return first is not None and any(read(problem) is not None for problem in first["problem"])


def _checked(
    frame: pl.DataFrame, printed: Mapping[str, str] | None
) -> Iterator[tuple[str, str, str | None, bool | None]]:
    """Id, kind, family and right for each problem of a frame; without `printed`, family and right are
    null.
    """
    for row_id, kind, problem, boxed in frame.select("problem_id", "kind", "problem", "answer").iter_rows():
        reading = None if printed is None else read(problem)
        if printed is None or reading is None:
            yield row_id, kind, None, None if printed is None else False
            continue
        given = printed.get(row_id) if kind == "tool" else boxed
        exact = reading.answer
        right = given is not None and exact is not None and equal(plain(exact), given).equal
        yield row_id, kind, reading.family.name, right


def _printed(results: In[ExecutionResult]) -> dict[str, str]:
    """The output of the programs that ran without error, by problem."""
    ended = (
        results.scan()
        .filter(pl.col("status") == "ok")
        .select("problem_id", pl.col("output").str.strip_chars())
    )
    return dict(ended.collect().iter_rows())
