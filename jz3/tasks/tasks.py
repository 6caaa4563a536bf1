"""Target tasks, by whose gradients problems are valued, and instruction data.

Promises: what the problem writer gives comes from number draws that neither the teacher nor a benchmark uses,
and from the listed families alone; ids come from content and place, so that more rows keep the ids there
were. Costs: seconds.
"""

from collections import Counter
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id, draw_order
from jz3.core.params import Params, Seed
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tasks.raw import DataError, RawRows, read_files, read_hub
from jz3.tasks.training_formats import READERS, Solved, TrainingFormat
from jz3.writer.catalogue import FAMILIES
from jz3.writer.family import Family
from jz3.writer.splits import Part, distinct_draws
from jz3.writer.write import write_draw

SOURCE = "instruction"
"""Source of instruction rows in tables of Problem."""


class WriterRows(Params):
    """Problems of the listed families."""

    reader: Literal["writer"]
    kind: Literal["cot", "tool"]
    rows_per_family: int = Field(ge=1)
    seed: Seed


class FileRows(Params):
    """JSON lines under `data/raw/tasks`."""

    reader: Literal["file"]
    pattern: str
    format: TrainingFormat
    rows: Annotated[int, Field(ge=1)] | None
    """How many are drawn by hash, or null for all."""
    seed: Seed


class HubRows(Params):
    """A split of a data set on the hub."""

    reader: Literal["hub"]
    dataset: str
    configs: list[str]
    """Configs to join, or none for the default one."""
    split: str
    revision: str
    format: TrainingFormat
    rows: Annotated[int, Field(ge=1)] | None
    seed: Seed


Rows = Annotated[WriterRows | FileRows | HubRows, Field(discriminator="reader")]


class TasksParams(Params):
    """Where targets and instruction data come from."""

    families: list[str]
    """Families of the problem writer that targets and instruction data cover."""
    targets: dict[str, Rows]
    """By name of the target task."""
    instructions: dict[str, Rows]
    """By a name of our own."""


class TasksMetrics(BaseModel):
    """Rows of both tables, and how many of each."""

    rows: Ledger
    targets: dict[str, int]
    """By target task."""
    instructions: dict[str, int]
    """By name in the parameters."""
    instructions_by_kind: dict[str, int]
    families: int
    """Families covered."""


def gather(raw: InFiles, params: TasksParams) -> tuple[pl.DataFrame, pl.DataFrame, TasksMetrics]:
    """Tables of Target and of Problem (instruction data). Raises DataError."""
    families = _families(params.families)
    targets = {name: _solved(raw, rows, families, "target") for name, rows in params.targets.items()}
    instructions = {
        name: _solved(raw, rows, families, "instruction") for name, rows in params.instructions.items()
    }
    target_rows = [_target(task, *row) for task, found in targets.items() for row in found]
    problems = [_problem(name, *row) for name, found in instructions.items() for row in found]
    count = len(target_rows) + len(problems)
    return (
        pl.DataFrame(target_rows, schema=Target.create_empty().schema),
        pl.DataFrame(problems, schema=Problem.create_empty().schema),
        TasksMetrics(
            rows=Ledger(read=count, kept=count, rejected={}, failed=0),
            targets={name: len(found) for name, found in targets.items()},
            instructions={name: len(found) for name, found in instructions.items()},
            instructions_by_kind=dict(sorted(Counter(row["kind"] for row in problems).items())),
            families=len(families),
        ),
    )


def _families(names: list[str]) -> list[Family]:
    known = {family.name: family for family in FAMILIES}
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise DataError(
            f"tasks.families names {', '.join(unknown)}, which the problem writer does not have; "
            f"it has {', '.join(known)}. Mend the list."
        )
    return [known[name] for name in sorted(set(names))]


Numbered = tuple[str, Solved]
"""An id and what it names."""


def _solved(raw: InFiles, rows: Rows, families: list[Family], part: Part) -> list[Numbered]:
    match rows:
        case WriterRows():
            return [row for family in families for row in _written(family, rows, part)]
        case FileRows():
            found = read_files(raw, rows.pattern)
        case HubRows():
            found = read_hub(rows.dataset, rows.configs, rows.split, rows.revision)
    return _drawn(_read(found, rows.format), rows.rows, rows.seed)


def _written(family: Family, rows: WriterRows, part: Part) -> list[Numbered]:
    key = f"{rows.seed}\x00{part}\x00{rows.kind}\x00{family.name}"
    written = [
        write_draw(family, rows.kind, values, f"{key}\x00{number}")
        for number, values in enumerate(distinct_draws(family, part, rows.rows_per_family, key))
    ]
    return [
        (
            content_id(key, str(number)),
            Solved(rows.kind, text.problem, text.solution, text.answer, family.name, family.level),
        )
        for number, text in enumerate(written)
    ]


def _read(found: RawRows, form: TrainingFormat) -> list[Numbered]:
    solved: list[Numbered] = []
    for number, row in enumerate(found.rows):
        try:
            text = READERS[form](row)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{found.where} row {number + 1} is not of the format '{form}' ({error!r}); its fields are "
                f"{', '.join(row)}. Name the right format, or fetch the file again."
            ) from error
        solved.append((content_id(str(number), text.question, text.solution), text))
    return solved


def _drawn(solved: list[Numbered], count: int | None, seed: int) -> list[Numbered]:
    if count is not None and count > len(solved):
        raise DataError(f"{count} rows were asked for, and there are {len(solved)}. Ask for fewer, or null.")
    return sorted(solved, key=lambda row: draw_order(seed, row[0]))[:count]


def _target(task: str, row_id: str, row: Solved) -> dict[str, Any]:
    return {
        "target_id": content_id(task, row_id),
        "task": task,
        "kind": row.kind,
        "subject": row.subject,
        "question": row.question,
        "solution": row.solution,
    }


def _problem(name: str, row_id: str, row: Solved) -> dict[str, Any]:
    return {
        "problem_id": content_id(SOURCE, name, row_id),
        "prompt_id": None,
        "passage_id": None,
        "source": SOURCE,
        "level": row.level,
        "kind": row.kind,
        "subject": row.subject,
        "problem": row.question,
        "solution": row.solution,
        "answer": row.answer,
    }
