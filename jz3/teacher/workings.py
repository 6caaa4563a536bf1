"""A recipe's intermediate results as named tables, such as a library of functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dataframely as dy
import polars as pl

from jz3.core.artifacts import MANIFEST, Out
from jz3.tables.workings_manifest import WorkingsManifest


@dataclass(frozen=True)
class Working:
    """One table of intermediate results."""

    name: str
    kind: type[dy.Schema]
    rows: pl.DataFrame


def save_workings(workings: Sequence[Working], directory: Path) -> None:
    """Write the tables and a manifest of them into a folder."""
    for one in workings:
        Out(one.kind, directory / f"{one.name}.parquet").write(one.rows)
    manifest = WorkingsManifest(
        tables={one.name: one.kind.__name__ for one in workings},
        rows={one.name: one.rows.height for one in workings},
    )
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
