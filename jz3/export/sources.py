"""The rows to export: a model's training set, any other table of a run, or a file of the user.

A row of a run is joined with the graph's tables by its id: its recipe, the licence and origin of the passage
behind it, whether a program printed its answer, and the pass rate of the recipe's solver. If a table that the
graph names is missing, that is an error: provenance is never silently empty. Outside a clone a table is
exported without provenance.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from jz3.answers.boxes import boxed_answer
from jz3.answers.gold_form import form_of
from jz3.core.artifacts import MANIFEST, In
from jz3.core.errors import UserError
from jz3.core.foreign import differences
from jz3.core.hashing import files_digest
from jz3.evaluation.answer_files import CHOICES, text_of
from jz3.export.row import ExportRow, NoRow, Table
from jz3.public.own_rows import guessed_problem, problem_of, solution_of
from jz3.raw.files import read_rows
from jz3.raw.given import must_be_a_file
from jz3.raw.named_fields import first_of
from jz3.raw.names import must_be_utf8
from jz3.raw.row import Odd, Row, whole
from jz3.raw.turns import TURNS
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.pass_rate import PassRate
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow
from jz3.text.training_text import BEFORE_QUESTION, BEFORE_SOLUTION

if TYPE_CHECKING:
    from jz3.core.graph_file import Graph

FRAME_ROWS = 10_000
"""Rows read at a time (chosen: some 30 MB)."""
SOLUTIONS = ("solution", "response", "output", "completion")
ANSWERS = ("gold", "gold_answer", "ground_truth", "expected_answer", "final_answer", "answer")
IDS = ("problem_id", "id", "unique_id", "question_id", "row_id")
PASS_RATES = ("pass_rate", "solve_rate", "success_rate", "pass@1")
LICENCES = ("licence", "license")
"""Names of a file's licence field, the most certain first."""
LOOKED_AT = 1000
"""Rows whose fields decide which ones are read (chosen: fields that are always there)."""
LONGEST_FIELD = 200
"""The most characters in a field of answers that does not hold solutions (chosen: a matrix, a list of
intervals).
"""


@dataclass(frozen=True)
class Exported:
    """Rows in the order of their table, to be read once."""

    table: Table
    rows: Iterator[ExportRow | NoRow]


def exported(wanted: str | None, root: Path | None) -> Exported:
    """The rows to export. Raises UserError.

    - `wanted`: a model of the graph (None: its first), or the path of a table, of a folder that `jz3 curate`
      left, or of a file.
    - `root`: the root of the clone, None outside one.
    """
    path = Path(wanted) if wanted is not None else None
    if path is not None and os.path.exists(path):  # noqa: PTH110 (`Path.exists` raises for one too long)
        return _of_path(path, root)
    if root is None:
        raise UserError(
            f"{wanted or 'no table'} is not here, and {Path.cwd()} is not in a clone of jz3; the path of a "
            f"table or a file was expected, or a model of the graph. Give a path, or go into a clone."
        )
    from jz3.core.graph_file import read_graph

    graph = read_graph(root)
    models = {stage.key: stage for stage in graph.of("mix")}
    if wanted is not None and wanted not in models:
        raise UserError(
            f"{wanted} is neither here nor a model of the graph; a path, or one of {', '.join(models)}, was "
            f"expected. Give one of these."
        )
    stage = models[wanted or next(iter(models))]
    return _of_run(In(TrainingRow, root / stage.path("training")), root, graph)


def _of_path(path: Path, root: Path | None) -> Exported:
    for kind in (TrainingRow, Problem):
        if _is_table(path, kind):
            return _of_run(In(kind, path), root, None)
    if path.is_dir():
        return _of_curated(path)
    return _of_file(path, path.name, None, None)


def _is_table(path: Path, kind: Any) -> bool:  # noqa: ANN401 (a schema)
    if path.is_dir():
        return _manifest(path).get("table") == kind.__name__
    if path.suffix != ".parquet":
        return False
    try:
        return not differences(pl.Schema(pl.read_parquet_schema(path)), kind.create_empty().schema)
    except (pl.exceptions.PolarsError, OSError):
        return False


def _manifest(folder: Path) -> Mapping[str, Any]:
    file = folder / MANIFEST
    try:
        found: Any = json.loads(file.read_bytes()) if file.is_file() else {}
    except ValueError:
        found = {}
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def _of_curated(folder: Path) -> Exported:
    manifest, file = _manifest(folder), folder / "kept.jsonl"
    if not {"problem", "solution", "steps"} <= manifest.keys() or not file.is_file():
        raise UserError(
            f"{folder} holds no table of TrainingRow or Problem, and `jz3 curate` did not leave it; one of "
            f"these was expected. Give such a folder, or a file."
        )
    return _of_file(file, f"{folder.name}/{file.name}", manifest["problem"], manifest["solution"])


def _of_run(table: In[Any], root: Path | None, graph: "Graph | None") -> Exported:
    files = sorted(table.path.glob("part-*.parquet")) if table.path.is_dir() else [table.path]
    if not files:
        table.rows()  # the error names what is missing and the command that brings it
    folder = table.path if table.path.is_dir() else table.path.parent
    inside = root is not None and table.path.resolve().is_relative_to(root.resolve())
    name = (
        table.path.resolve().relative_to(root.resolve()).as_posix()
        if root is not None and inside
        else table.path.name
    )
    if root is not None and graph is None:
        from jz3.core.graph_file import read_graph

        graph = read_graph(root)
    facts = facts_of(root, graph) if root is not None and graph is not None else NO_FACTS
    return Exported(Table(name, files_digest(files, folder)), _rows(table, facts))


NO_FACTS = pl.DataFrame(
    schema={
        "problem_id": pl.String,
        "recipe": pl.String,
        "origin": pl.String,
        "licence": pl.String,
        "printed": pl.Boolean,
        "pass_rate": pl.Float64,
    }
)


def facts_of(root: Path, graph: "Graph") -> pl.DataFrame:
    """For each problem of a recipe or of the instruction data, the columns that NO_FACTS lists."""
    parts = [NO_FACTS]
    for stage in graph.of("filter"):
        problems = In(Problem, root / stage.path("problems")).scan().select("problem_id", "passage_id")
        passages = In(Passage, root / stage.path("passages")).scan().select("passage_id", "origin", "licence")
        results = In(ExecutionResult, root / graph.path(f"execute@{stage.key}", "results")).scan()
        rates = In(PassRate, root / stage.path("rates")).scan().select("problem_id", pass_rate="rate")
        parts.append(
            problems.join(passages, on="passage_id", how="left")
            .join(results.select("problem_id", printed="answer_counts"), on="problem_id", how="left")
            .join(rates, on="problem_id", how="left")
            .with_columns(recipe=pl.lit(stage.key))
            .select(NO_FACTS.columns)
            .collect(engine="streaming")
        )
    for stage in graph.of("tasks"):
        instructions = In(Problem, root / stage.path("instructions")).scan().select("problem_id")
        parts.append(instructions.with_columns(recipe=pl.lit("instruction")).collect())
    return pl.concat(parts, how="diagonal").unique("problem_id", keep="first", maintain_order=True)


def _rows(table: In[Any], facts: pl.DataFrame) -> Iterator[ExportRow]:
    training = table.kind is TrainingRow
    key = "row_id" if training else "problem_id"
    for frame in table.frames(FRAME_ROWS):
        joined = frame.join(facts, left_on=key, right_on="problem_id", how="left", maintain_order="left")
        for row in joined.iter_rows(named=True):
            yield _of_training(row) if training else _of_problem(row)


def _of_training(row: Mapping[str, Any]) -> ExportRow:
    problem = row["input"].removeprefix(BEFORE_QUESTION).removesuffix(BEFORE_SOLUTION[row["kind"]])
    answer, where = answer_of(row["output"])
    return ExportRow(
        row_id=row["row_id"],
        problem=problem,
        solution=row["output"],
        answer=answer,
        answer_from="program" if where == "box" and row["printed"] else where,
        **_known(row),
    )


def _of_problem(row: Mapping[str, Any]) -> ExportRow:
    answer, where = (row["answer"], "box") if row["answer"] is not None else answer_of(row["solution"])
    return ExportRow(
        row_id=row["problem_id"],
        problem=row["problem"],
        solution=row["solution"],
        answer=answer,
        answer_from=where,
        **_known(row),
    )


def _known(row: Mapping[str, Any]) -> dict[str, Any]:
    texts = {name: row[name] or "" for name in ("kind", "level", "source", "recipe", "origin", "licence")}
    return texts | {"pass_rate": row["pass_rate"]}


def answer_of(solution: str) -> tuple[str | None, str]:
    r"""The final answer that a solution marks as such, and by what: its last box, or what follows `####`.

    >>> answer_of("So it is 9.\n#### 1,800")
    ('1,800', 'hashes')
    >>> answer_of("So it is 9.")
    (None, '')
    """
    boxed = boxed_answer(solution)
    if boxed is not None and boxed[0].strip():
        return boxed[0].strip(), "box"
    if "####" in solution:
        last = solution.rsplit("####", 1)[1].strip()
        if last and "\n" not in last and len(last) <= LONGEST_FIELD:
            return last, "hashes"
    return None, ""


@dataclass(frozen=True)
class _Names:
    problem: str
    solution: str | None
    answer: str | None
    identity: str | None
    pass_rate: str | None
    licence: str | None


def _of_file(file: Path, name: str, problem: str | None, solution: str | None) -> Exported:
    must_be_utf8(file, [str(file)])
    must_be_a_file(file, "a file of rows")
    rows = (found for _, found in read_rows([file], file.parent))
    return Exported(Table(name, files_digest([file], file.parent)), _file_rows(file, rows, problem, solution))


def _file_rows(
    file: Path, found: Iterator[tuple[str, Row | Odd]], problem: str | None, solution: str | None
) -> Iterator[ExportRow | NoRow]:
    first = list(islice(found, LOOKED_AT))
    seen = dict.fromkeys(name for _, row in first if not isinstance(row, Odd) for name in row)
    if not seen:
        raise UserError(f"{file} holds no rows; at least one was expected. Give another file.")
    must_be_utf8(file, seen)
    asked = problem or guessed_problem([row for _, row in first if not isinstance(row, Odd)], list(seen))
    names = _names(file, list(seen), asked, solution)
    for number, (place, row) in enumerate(chain(first, found)):
        if isinstance(row, Odd):
            yield NoRow(place, row.rule)
        elif _choices_apart(row, names.problem):
            yield NoRow(place, "choices_apart")
        else:
            yield _of_row(row, number, names)


def _names(file: Path, names: Sequence[str], problem: str | None, solution: str | None) -> _Names:
    if problem is None:
        raise UserError(
            f"{file} has no field of problems; one such as problem, question or messages was expected, found "
            f"{', '.join(names)}. Rename it."
        )
    answers = first_of(ANSWERS, [name for name in names if name not in (problem, solution)])
    others = [name for name in names if name != problem]
    return _Names(
        problem=problem,
        solution=solution
        or first_of(SOLUTIONS, others)
        or (answers if answers is not None and answers.lower() == "answer" else None)
        or (problem if problem in TURNS else None),
        answer=answers,
        identity=first_of(IDS, names),
        pass_rate=first_of(PASS_RATES, names),
        licence=first_of(LICENCES, names),
    )


def _choices_apart(row: Row, problem: str) -> bool:
    """Whether a row lists choices that its problem does not state, as MMLU has it: nobody could answer it."""
    listed = next((cast("list[Any]", row[name]) for name in CHOICES if isinstance(row.get(name), list)), [])
    text = problem_of(row, problem) or ""
    return any(isinstance(choice, str) and choice not in text for choice in listed)


def _of_row(row: Row, number: int, names: _Names) -> ExportRow:
    solution = solution_of(row, names.solution) if names.solution else None
    solution = None if solution is None else whole(solution)
    answer, where = _answer(_text(row, names.answer), solution or "")
    rate: Any = row.get(names.pass_rate) if names.pass_rate else None
    identity = _text(row, names.identity)
    return ExportRow(
        row_id=str(number) if identity is None else identity,
        problem=whole(problem_of(row, names.problem) or ""),
        solution=solution,
        answer=answer,
        answer_from=where,
        licence=_text(row, names.licence) or "",
        pass_rate=float(rate) if isinstance(rate, int | float) and not isinstance(rate, bool) else None,
        **{name: _text(row, name) or "" for name in ("kind", "level", "source", "recipe", "origin")},
    )


def _answer(field: str | None, solution: str) -> tuple[str | None, str]:
    """The content of the answer field if it holds an answer and no solution; otherwise the solution's own
    mark.
    """
    if field is not None and field.strip():
        marked = answer_of(field)
        if marked[0] is not None:
            return marked
        if len(field) <= LONGEST_FIELD and (field != solution or _is_bare(field)):
            return field.strip(), "field"
    marked = answer_of(solution)
    return (solution.strip(), "field") if marked[0] is None and _is_bare(solution) else marked


_SENTENCE = re.compile(r"(?<![\\\w])[A-Za-z]{2,} +[A-Za-z]{2,}")
"""Two words on end, which the reading of answers passes over: `It is 18.` is a solution."""


def _is_bare(text: str) -> bool:
    """Whether a field of solutions holds nothing but an answer, as where a row has no other field for it."""
    if not text.strip() or len(text) > LONGEST_FIELD or _SENTENCE.search(text):
        return False
    return form_of(text.strip()) not in ("any", "text")


def _text(row: Row, name: str | None) -> str | None:
    found = text_of(row, name)
    return None if found is None else whole(found)
