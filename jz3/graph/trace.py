"""Where a row comes from and where it went: from a problem back to its source and licence, and forward to the
training sets, blocks and checkpoints that contain it, with the benchmark items nearest to it.

Scans the tables that dvc.yaml names by key. Tables that are not here (not pulled) are left out. The block is
found by the row's tokens, in one pass over the blocks.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from jz3.core.artifacts import In, InDir
from jz3.core.errors import UserError
from jz3.core.graph_file import read_graph
from jz3.graph.repository import base_name
from jz3.tables.blocks_manifest import BlocksManifest
from jz3.tables.combination import Combination
from jz3.tables.completion import Completion
from jz3.tables.function_call import FunctionCall
from jz3.tables.hit import Hit
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.item import Item
from jz3.tables.lineage import Lineage
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.tables.posed_question import PosedQuestion
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.training_row import TrainingRow
from jz3.tables.turn import read_turns
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict
from jz3.text.words import words

LEAST_PREFIX = 6
"""The least characters of an id to search by (chosen: as in git)."""
NEAREST = 3
BLOCKS_READ = 8192
"""Blocks that are searched together: 134 MB at 2,048 tokens per block (chosen)."""
PROBLEMS = ("problems", "instructions", "seed_problems")
"""Flags under which stages leave tables of Problem."""
SHOWN = 120
"""The most characters of a text in the printed form."""


class TraceError(UserError):
    """No row, or more than one, has this id."""


@dataclass(frozen=True)
class Step:
    """One row of the trace: what it is, its stage and path, and its columns."""

    what: str
    stage: str
    path: str
    row: dict[str, Any]


@dataclass(frozen=True)
class Table:
    """A table of the graph, by the flag that its stage writes it under."""

    stage: str
    flag: str
    path: Path
    readers: frozenset[str] = frozenset()
    """Stages that read this table."""


def trace(root: Path, start: str) -> list[Step]:
    """Every step of the problem with this id, or this beginning of an id; first backward, then forward.

    Raises TraceError if there is no such problem, or more than one.
    """
    tables = tables_of(root)
    found = list(_problems(tables, start))
    if not found:
        raise TraceError(
            f"no problem has an id that begins with '{start}'; at least {LEAST_PREFIX} characters of one "
            f"in the problems, the KD sets or the instruction data were expected. {_where_ids_are(tables)}"
        )
    ids = {step.row["problem_id"] for step in found}
    if len(ids) > 1:
        raise TraceError(
            f"{len(ids)} problems have an id that begins with '{start}', such as {min(ids)}; "
            f"one was expected. Give more characters."
        )
    problem = found[0].row
    return [*found, *_backward(tables, problem), *_forward(tables, problem), *_nearest(tables, problem)]


def _where_ids_are(tables: list[Table]) -> str:
    """The missing tables among those that hold traceable ids; if none is missing, how to list some ids."""
    asked = [table for table in tables if table.flag in ("problems", "instructions")]
    absent = sorted({base_name(table.stage) for table in asked if not table.path.exists()})
    if absent:
        return f"Tables are not here: `dvc pull {' '.join(absent)}` brings them, `dvc repro` makes them."
    return f"Take one from the column problem_id of a table, such as {asked[0].path}."


def as_text(steps: list[Step]) -> str:
    """Text for people: a block for each step, long texts cut."""
    return "\n".join(line for step in steps for line in _lines(step))


def as_json(steps: list[Step]) -> str:
    """JSON for scripts: every step in full."""
    return json.dumps([asdict(step) for step in steps], indent=2, ensure_ascii=False)


def tables_of(root: Path) -> list[Table]:
    """The tables that each stage's command names and leaves, upstream first."""
    stages = read_graph(root).ordered()
    return [
        Table(stage.name, flag, root / path, frozenset(one.name for one in stages if path in one.reads))
        for stage in stages
        for flag, paths in stage.flags.items()
        for path in paths
        if path in stage.leaves
    ]


def _present(tables: list[Table], stage: str | None, flag: str) -> Iterator[Table]:
    """The tables of a group of stages, or of all, that are here."""
    for table in tables:
        if stage in (None, base_name(table.stage)) and table.flag == flag and table.path.exists():
            yield table


def _found(table: Table, kind: Any, what: str, match: pl.Expr) -> Iterator[Step]:  # noqa: ANN401 (a schema)
    rows: pl.DataFrame = In(kind, table.path).scan().filter(match).collect()
    for row in rows.iter_rows(named=True):
        yield Step(what, table.stage, table.path.as_posix(), row)


def _problems(tables: list[Table], start: str) -> Iterator[Step]:
    if len(start) < LEAST_PREFIX:
        return
    for flag in PROBLEMS:
        for table in _present(tables, None, flag):
            yield from _found(table, Problem, "problem", pl.col("problem_id").str.starts_with(start))


def _backward(tables: list[Table], problem: dict[str, Any]) -> Iterator[Step]:
    for table in _present(tables, "synthesize", "completions"):
        yield from _found(table, Completion, "completion", pl.col("completion_id") == problem["problem_id"])
    yield from _to_seeds(tables, problem["problem_id"])
    if problem["prompt_id"] is None:
        return
    for table in _present(tables, "compose", "prompts"):
        yield from _found(table, Prompt, "prompt", pl.col("prompt_id") == problem["prompt_id"])
    yield from _passages(tables, [problem["passage_id"]])
    for table in _present(tables, "tasks", "seed_passages"):
        yield from _found(table, Passage, "passage", pl.col("passage_id") == problem["passage_id"])


def _to_seeds(tables: list[Table], problem_id: str) -> Iterator[Step]:
    """The way back from a recipe's problem: its lineage and that of its origins, the calls of its graph, the
    question before it was solved with its combination of concepts, and its seeds or passages with their
    licence.
    """
    lineage = [
        step
        for table in _present(tables, None, "lineage")
        for step in _found(table, Lineage, "lineage", pl.col("problem_id") == problem_id)
    ]
    yield from lineage
    seeds = [seed for step in lineage for seed in step.row["seed_ids"]]
    for table in _present(tables, None, "seeds"):
        yield from _found(table, SeedProblem, "seed", pl.col("seed_id").is_in(seeds))
    yield from _passages(tables, seeds)
    variants = [step.row["variant"] for step in lineage]
    yield from _working(tables, "graphs", FunctionCall, "graph call", pl.col("graph_id").is_in(variants))
    posed = pl.col("question_id").is_in(variants)
    for step in _working(tables, "questions", PosedQuestion, "posed question", posed):
        yield step
        met = pl.col("combination_id") == step.row["combination_id"]
        yield from _working(tables, "combinations", Combination, "combination", met)
    for parent in (parent for step in lineage for parent in step.row["parent_ids"]):
        yield from _to_seeds(tables, parent)


def _passages(tables: list[Table], ids: list[str]) -> Iterator[Step]:
    """Rows of the samples with these passages."""
    for table in tables:
        if base_name(table.stage) == "sample" and table.flag != "metrics" and table.path.exists():
            yield from _found(table, Passage, "passage", pl.col("passage_id").is_in(ids))


def _working(tables: list[Table], name: str, kind: Any, what: str, match: pl.Expr) -> Iterator[Step]:  # noqa: ANN401 (a schema)
    """Rows of the recipes' workings."""
    for table in _present(tables, None, "workings"):
        found = Table(table.stage, table.flag, table.path / f"{name}.parquet")
        if found.path.exists():
            yield from _found(found, kind, what, match)


def _forward(tables: list[Table], problem: dict[str, Any]) -> Iterator[Step]:
    this = problem["problem_id"]
    for table in _present(tables, "attribute", "scores"):
        yield from _found(table, InfluenceScore, "influence score", pl.col("problem_id") == this)
    for table in _present(tables, "value", "values"):
        yield from _found(table, Value, "value", pl.col("problem_id") == this)
    for stage in ("execute", "filter", "dedup", "decontaminate"):
        for table in _present(tables, stage, "verdicts"):
            yield from _found(table, Verdict, "verdict", pl.col("row_id") == this)
    for table in _present(tables, "decontaminate", "certificate"):
        hits = Table(table.stage, table.flag, table.path / "hits.parquet")
        yield from _found(hits, Hit, "repeats a benchmark item", pl.col("row_id") == this)
    for table in _present(tables, "mix", "training"):
        for step in _found(table, TrainingRow, "training row", pl.col("row_id") == this):
            yield step
            yield from _trained(tables, table.stage.partition("@")[2], step.row)


def _trained(tables: list[Table], set_: str, row: dict[str, Any]) -> Iterator[Step]:
    """The block of a set that contains a training row, and each checkpoint that was trained on it."""
    packed = [table for table in tables if table.stage == f"pack@{set_}" and table.flag == "blocks"]
    for blocks in (table for table in packed if table.path.exists()):
        for base in _present(tables, "base", "final"):
            if (block := _block(blocks.path, base.path, row)) is not None:
                yield Step("block", blocks.stage, blocks.path.as_posix(), {"block": block})
    trained = {name for table in packed for name in table.readers}
    for final in _present(tables, "pretrain", "model"):
        if final.stage in trained:
            manifest = InDir(ModelManifest, final.path).manifest()
            facts = {"digest": manifest.digest, "steps": manifest.steps, "tokens": manifest.tokens}
            yield Step("checkpoint", final.stage, final.path.as_posix(), facts)


def _block(blocks: Path, base: Path, row: dict[str, Any]) -> int | None:
    """The number of the block whose tokens contain the row; None if it was longer than a block."""
    from jz3.lm.blocks import open_blocks
    from jz3.lm.encode import encode_flat
    from jz3.lm.model import load_tokenizer
    from jz3.training.row_texts import RowForm, RowTexts

    packed = open_blocks(blocks)
    form = RowForm.model_validate(InDir(BlocksManifest, blocks).manifest().form)
    tokenizer = load_tokenizer(base)
    text = RowTexts(form, tokenizer).text(read_turns(row["turns"]), row["kind"])
    wanted = encode_flat(tokenizer, [0], [text], packed.length).tokens if text is not None else np.array([])
    if not len(wanted):
        return None
    for first in range(0, len(packed), BLOCKS_READ):
        some = packed.part(first, min(first + BLOCKS_READ, len(packed)))
        for block, place in np.argwhere((some.positions == 0) & (some.tokens == wanted[0])).tolist():
            if np.array_equal(some.tokens[block, place : place + len(wanted)], wanted):
                return first + int(block)
    return None


def _nearest(tables: list[Table], problem: dict[str, Any]) -> Iterator[Step]:
    """The benchmark items that share most words with the problem (Jaccard index)."""
    own = set(words(problem["problem"]))
    for table in _present(tables, "benchmarks", "items"):
        items = In(Item, table.path).scan().select("item_id", "question").collect()
        shares = [(_shared(own, set(words(text))), item, text) for item, text in items.iter_rows()]
        for share, item, text in sorted(shares, key=lambda found: (-found[0], found[1]))[:NEAREST]:
            row = {"item_id": item, "shared_words": round(share, 3), "question": text}
            yield Step("near benchmark item", table.stage, table.path.as_posix(), row)


def _shared(one: set[str], other: set[str]) -> float:
    return len(one & other) / max(len(one | other), 1)


def _lines(step: Step) -> Iterator[str]:
    yield f"{step.what} ({step.stage}, {step.path})"
    for column, value in step.row.items():
        text = " ".join(str(value).split())
        yield f"  {column}: {text if len(text) <= SHOWN else text[:SHOWN] + ' ...'}"
