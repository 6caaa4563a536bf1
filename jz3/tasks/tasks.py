"""Target tasks, whose gradients determine the values of problems; instruction data; and seed problems.

Promises: the problem writer makes targets and instruction data only from number draws that neither the
teacher nor a benchmark uses, and only from the listed families; ids come from content, and a row keeps its id
if others are added or removed; a row that cannot be used is rejected by its rule. Seed problems are on the
training side: the writer makes them from the teacher's draws, and from files they are what targets and
instruction data leave. Costs seconds.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InFiles
from jz3.core.hashing import content_id, draw_order
from jz3.core.params import Params, Seed
from jz3.tables.ledger import Ledger
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.target import Target
from jz3.tasks.fields import SolvedFields
from jz3.tasks.raw import DataError, RawRows, Row, read_fetched, read_files
from jz3.tasks.rejects import Rejects, shown
from jz3.tasks.training_formats import Solved, TrainingFormat, read_solved
from jz3.writer.catalogue import FAMILIES
from jz3.writer.family import Family
from jz3.writer.splits import Part, distinct_draws
from jz3.writer.write import write_draw

INSTRUCTION = "instruction"
"""Source of instruction rows in tables of Problem."""
SEED = "seed"
"""Source of seed problems in tables of Problem and of Passage."""


class WriterRows(Params):
    """Problems of the listed families."""

    reader: Literal["writer"]
    kind: Literal["cot", "tool"]
    rows_per_family: int = Field(ge=1)
    seed: Seed


class FileRows(Params):
    """Files under `data/raw/tasks`: JSON lines, CSV, parquet, and whatever else `jz3.raw.files` reads."""

    reader: Literal["file"]
    pattern: str
    format: TrainingFormat | SolvedFields
    rows: Annotated[int, Field(ge=1)] | None
    """How many rows to draw by hash, or null for all."""
    seed: Seed


class FetchedRows(Params):
    """The files that `jz3 fetch` brought from a source in `data/sources.yaml`."""

    reader: Literal["fetched"]
    source: str
    """Its name in the table; the manifest is under `data/raw/tasks`."""
    format: TrainingFormat | SolvedFields
    rows: Annotated[int, Field(ge=1)] | None
    seed: Seed


Rows = Annotated[WriterRows | FileRows | FetchedRows, Field(discriminator="reader")]


class Seeds(Params):
    """Problems with gold answers from which a recipe starts."""

    rows: Rows
    licence: str
    """The licence of their data set."""
    split: Literal["train", "validation"]
    """The split of that data set: a recipe must never start from a benchmark's questions."""


class TasksParams(Params):
    """Sources of targets, instruction data and seed problems."""

    families: list[str]
    """Families of the problem writer that all of them cover."""
    targets: dict[str, Rows]
    """Targets by name of the target task."""
    instructions: dict[str, Rows]
    """Instruction data by a name of our own."""
    seeds: dict[str, Seeds]
    """Seed problems by a name of our own; empty if no recipe of the profile starts from seed problems."""


class TasksMetrics(BaseModel):
    """Rows of the tables, and their numbers by name."""

    rows: Ledger
    """The ledger, without rows that were read but not drawn."""
    targets: dict[str, int]
    """Targets by target task."""
    instructions: dict[str, int]
    """Instruction rows by name in the parameters."""
    instructions_by_kind: dict[str, int]
    seeds: dict[str, int]
    """Seed problems by name in the parameters."""
    families: int
    """Families covered."""


@dataclass(frozen=True)
class Gathered:
    """The tables that the stage leaves."""

    targets: pl.DataFrame
    """Table of Target."""
    instructions: pl.DataFrame
    """Table of Problem."""
    seeds: pl.DataFrame
    """Table of SeedProblem: what recipes start from."""
    seed_problems: pl.DataFrame
    """Table of Problem: the same rows as a recipe of their own."""
    seed_passages: pl.DataFrame
    """Table of Passage: the question of each seed problem, for problems written from it."""
    rejects: pl.DataFrame
    """Table of Reject."""
    metrics: TasksMetrics


def gather(raw: InFiles, params: TasksParams) -> Gathered:
    """Read and draw the rows of every table. Raises DataError."""
    families = _families(params.families)
    rejects = Rejects("tasks")
    targets = {name: _solved(raw, rows, families, "target", rejects) for name, rows in params.targets.items()}
    instructions = {
        name: _solved(raw, rows, families, "instruction", rejects)
        for name, rows in params.instructions.items()
    }
    taken = frozenset(
        row.question for found in (targets, instructions) for rows in found.values() for _, row in rows
    )
    seeds = {
        name: _solved(raw, seed.rows, families, "teacher", rejects, taken)
        for name, seed in params.seeds.items()
    }
    target_rows = [_target(task, *row) for task, found in targets.items() for row in found]
    problems = [_problem(INSTRUCTION, name, *row) for name, found in instructions.items() for row in found]
    seed_rows = [_problem(SEED, name, *row) for name, found in seeds.items() for row in found]
    gold = [
        _seed(name, params.seeds[name], problem)
        for name, found in seeds.items()
        for problem in (_problem(SEED, name, *row) for row in found)
    ]
    passages = [
        _passage(name, params.seeds[name].licence, *row) for name, found in seeds.items() for row in found
    ]
    count = len(target_rows) + len(problems) + len(seed_rows)
    rejected = rejects.by_rule()
    return Gathered(
        targets=pl.DataFrame(target_rows, schema=Target.create_empty().schema),
        instructions=pl.DataFrame(problems, schema=Problem.create_empty().schema),
        seeds=pl.DataFrame(gold, schema=SeedProblem.create_empty().schema),
        seed_problems=pl.DataFrame(seed_rows, schema=Problem.create_empty().schema),
        seed_passages=pl.DataFrame(passages, schema=Passage.create_empty().schema),
        rejects=rejects.table(),
        metrics=TasksMetrics(
            rows=Ledger(
                read=count + sum(rejected.values()),
                kept=count,
                rejected=rejected,
                failed=0,
            ),
            targets={name: len(found) for name, found in targets.items()},
            instructions={name: len(found) for name, found in instructions.items()},
            instructions_by_kind=dict(sorted(Counter(row["kind"] for row in problems).items())),
            seeds={name: len(found) for name, found in seeds.items()},
            families=len(families),
        ),
    )


def _families(names: list[str]) -> list[Family]:
    known = {family.name: family for family in FAMILIES}
    unknown = sorted(set(names) - known.keys())
    if unknown:
        raise DataError(
            f"tasks.families names {', '.join(unknown)}, which the problem writer does not have; it has "
            f"{', '.join(known)}. Correct the list."
        )
    return [known[name] for name in sorted(set(names))]


Numbered = tuple[str, Solved]
"""An id and its row."""


def _solved(
    raw: InFiles,
    rows: Rows,
    families: list[Family],
    part: Part,
    rejects: Rejects,
    taken: frozenset[str] = frozenset(),
) -> list[Numbered]:
    """The rows of a source. From files, rows whose question is in `taken` are left out. Each rejected row
    goes into `rejects`, by its rule.
    """
    match rows:
        case WriterRows():
            return [row for family in families for row in _written(family, rows, part)]
        case FileRows():
            found = read_files(raw, rows.pattern)
        case FetchedRows():
            found = read_fetched(raw, rows.source)
    free = [row for row in _read(found, rows.format, rejects) if row[1].question not in taken]
    return _drawn(free, rows.rows, rows.seed)


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


def _read(found: RawRows, form: TrainingFormat | SolvedFields, rejects: Rejects) -> list[Numbered]:
    """Read a file. If no row has the format, the file is of another one; a single bad row is rejected."""
    solved: list[Numbered] = []
    for place, odd in found.odd:
        rejects.add(content_id(odd.rule, odd.text), odd.rule, f"{place}: {odd.reason}: {odd.text}")
    other: DataError | None = None
    count: Counter[tuple[str, str]] = Counter()
    for number, (place, row) in enumerate(zip(found.places, found.rows, strict=True), 1):
        try:
            text = read_solved(row, form)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            rejects.add(_own_id(row), "other_format", shown(place, row))
            name = form if isinstance(form, str) else form.name
            other = other or DataError(
                f"{found.where} row {number} is not of the format '{name}' ({place}: {error!r}), nor is any "
                f"other row; its fields are {', '.join(row)}. Name the right format, or fetch the file again."
            )
            continue
        if not text.question or not text.solution:
            rule = "no_solution" if text.question else "no_question"
            rejects.add(_own_id(row), rule, shown(place, row))
            continue
        count[text.question, text.solution] += 1
        again = count[text.question, text.solution]
        solved.append((content_id(str(again), text.question, text.solution), text))
    if other and not solved:
        raise other
    return solved


def _own_id(row: Row) -> str:
    """An id from the content of a row without question and solution."""
    return content_id(repr(sorted(row.items(), key=lambda field: str(field[0]))))


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


def _problem(source: str, name: str, row_id: str, row: Solved) -> dict[str, Any]:
    return {
        "problem_id": content_id(source, name, row_id),
        "prompt_id": None,
        "passage_id": None,
        "source": source,
        "level": row.level,
        "kind": row.kind,
        "subject": row.subject,
        "problem": row.question,
        "solution": row.solution,
        "answer": row.answer,
    }


def _seed(name: str, seeds: Seeds, problem: dict[str, Any]) -> dict[str, Any]:
    kept = {column: problem[column] for column in ("level", "kind", "subject", "solution", "answer")}
    return kept | {
        "seed_id": problem["problem_id"],
        "origin": name,
        "licence": seeds.licence,
        "split": seeds.split,
        "question": problem["problem"],
    }


def _passage(name: str, licence: str, row_id: str, row: Solved) -> dict[str, Any]:
    """A seed problem as the text from which other problems are written."""
    return {
        "passage_id": content_id(SEED, name, row_id),  # the seed problem's own id
        "source": SEED,
        "document_id": f"{name}/{row_id}",
        "origin": name,
        "licence": licence,
        "offset": 0,
        "text": row.question,
    }
