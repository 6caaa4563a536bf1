"""What rows of any table came from: problems, prompts, passages and benchmark items, by the ids in the rows.

Reads the tables that dvc.yaml names; those that are not here (not pulled) are left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from jz3.core.artifacts import In
from jz3.graph.repository import base_name
from jz3.graph.trace import PROBLEMS, Table, tables_of
from jz3.tables.item import Item
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt

NAMES = {
    "row_id": "problem",
    "problem_id": "problem",
    "completion_id": "problem",
    "prompt_id": "prompt",
    "passage_id": "passage",
    "item_id": "item",
}
"""What kind of row the ids of a column name. A completion has the id of the problem that was read from it."""

Row = Mapping[str, Any]


@dataclass(frozen=True)
class _Kind:
    schema: Any
    key: str
    flags: tuple[str, ...]
    """Flags under which any stage leaves such tables."""
    stages: tuple[str, ...] = ()
    """Stages that leave only such tables, and metrics."""


KINDS = {
    "problem": _Kind(Problem, "problem_id", PROBLEMS),
    "prompt": _Kind(Prompt, "prompt_id", ("prompts",)),
    "passage": _Kind(Passage, "passage_id", ("seed_passages",), ("sample",)),
    "item": _Kind(Item, "item_id", ("items",)),
}
"""Kinds in the order of the lineage: a row of one kind names rows of later kinds."""


def ancestors(root: Path, rows: Iterable[Row]) -> dict[str, dict[str, Row]]:
    """Rows that the ids of `rows` name, and rows that these name in turn, by id and by kind.

    A row that has all the columns of the row it names is that row itself, and has no ancestor.
    """
    tables = tables_of(root)
    level = list(rows)
    found: dict[str, dict[str, Row]] = {}
    for name, kind in KINDS.items():
        wanted = {
            str(row[column])
            for row in level
            for column, of in NAMES.items()
            if of == name
            and row.get(column) is not None
            and not kind.schema.create_empty().schema.keys() <= row.keys()
        }
        found[name] = _rows(tables, kind, wanted)
        level += found[name].values()
    return found


def _rows(tables: list[Table], kind: _Kind, wanted: set[str]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    if not wanted:
        return rows
    names = pl.Series(sorted(wanted))
    for table in tables:
        is_meant = table.flag in kind.flags or base_name(table.stage) in kind.stages
        if is_meant and table.flag != "metrics" and table.path.exists():
            frame: pl.DataFrame = (
                In(kind.schema, table.path).scan().filter(pl.col(kind.key).is_in(names.implode())).collect()
            )
            rows |= {row[kind.key]: row for row in frame.iter_rows(named=True)}
    return dict(sorted(rows.items()))
