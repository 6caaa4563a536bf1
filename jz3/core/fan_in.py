"""Handles of what a stage reads of every source, recipe or model: one flag takes them all, by name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic

import dataframely as dy
import polars as pl

from jz3.core.artifacts import ArtifactError, In, InDir, M, Metrics, T, must_exist


@dataclass(frozen=True)
class InTables(Generic[T]):
    """The same table of several sources, recipes or models (the flag takes several paths)."""

    kind: type[T]
    paths: tuple[Path, ...]

    def tables(self) -> dict[str, In[T]]:
        """Each table by the last part of its path without `.parquet`, in the order of the command line.

        Raises ArtifactError if two have the same name.
        """
        return {name: In(self.kind, path) for name, path in _by_last_part(self.paths).items()}

    def read(self) -> dict[str, dy.DataFrame[T]]:
        """Each whole table by its name, every row checked."""
        return {name: table.read() for name, table in self.tables().items()}

    def notes(self) -> dict[str, dict[str, str]]:
        """How the rows of each table were made, by its name."""
        return {name: table.notes() for name, table in self.tables().items()}


@dataclass(frozen=True)
class InDirs(Generic[M]):
    """The same directory of several recipes or models (the flag takes several paths)."""

    kind: type[M]
    paths: tuple[Path, ...]

    def directories(self) -> dict[str, InDir[M]]:
        """Each directory by the last part of its path. Raises ArtifactError if two have the same name."""
        return {name: InDir(self.kind, path) for name, path in _by_last_part(self.paths).items()}

    def manifests(self) -> dict[str, M]:
        """Each directory's manifest by its name."""
        return {name: directory.manifest() for name, directory in self.directories().items()}


@dataclass(frozen=True)
class InMetrics:
    """The metrics of several stages (the flag takes several paths)."""

    paths: tuple[Path, ...]

    def read(self) -> dict[str, Any]:
        """The values of each file by its path under `data/metrics/` without ending, such as
        `distill/initial`.
        """
        for path in self.paths:
            must_exist(path, Metrics)
        return {_name(path): json.loads(path.read_text()) for path in self.paths}


@dataclass(frozen=True)
class InPlots(Generic[T]):
    """The curves of several stages (the flag takes several paths)."""

    kind: type[T]
    paths: tuple[Path, ...]

    def read(self) -> dict[str, dy.DataFrame[T]]:
        """Each curve by its path under `data/plots/` without ending, such as `finetune/initial`."""
        for path in self.paths:
            must_exist(path, self.kind)
        schema = self.kind.create_empty().schema
        return {_name(path): self.kind.validate(pl.read_csv(path, schema=schema)) for path in self.paths}


def _name(path: Path) -> str:
    """`data/metrics/ingest/web.json` is `ingest/web`."""
    return "/".join(path.with_suffix("").parts[2:])


def _by_last_part(paths: tuple[Path, ...]) -> dict[str, Path]:
    """`data/grades/jiuzhang.parquet` is `jiuzhang`."""
    named: dict[str, Path] = {}
    for path in paths:
        name = path.name.removesuffix(".parquet")
        if name in named:
            raise ArtifactError(
                f"{named[name]} and {path} are both named '{name}'; names that differ were expected. "
                f"Rename one of them in graph.yaml and run `jz3 deps --fix`."
            )
        named[name] = path
    return named
