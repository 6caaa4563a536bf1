"""The graph of dvc.yaml: each stage with its parsed command, what it reads, and what it leaves.

DVC itself fills in `vars`, `foreach` and `matrix`, so each stage here is exactly one that `dvc repro` runs. A
table is found by the stage that leaves it and the flag of that stage's command; no other module knows a path.
Takes half a second, mostly the import of DVC.
"""

import logging
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from jz3.core.errors import UserError

GRAPH_FILE = "dvc.yaml"


class GraphError(UserError):
    """dvc.yaml cannot be read, or has no such stage or flag."""


@dataclass(frozen=True)
class Stage:
    """A stage as DVC would run it; for a `foreach` or `matrix`, one of its instances."""

    name: str
    """`mix@jiuzhang`; `sample` if there is only one instance."""
    desc: str
    flags: Mapping[str, tuple[str, ...]]
    """The values of each flag of the command, by flag without its dashes."""
    reads: frozenset[str]
    outs: frozenset[str]
    """What it leaves for other stages to read; neither metrics nor plots."""
    leaves: frozenset[str]
    """Outs, metrics and plots."""

    @property
    def base(self) -> str:
        """`mix` of `mix@jiuzhang`."""
        return self.name.partition("@")[0]

    @property
    def key(self) -> str:
        """`jiuzhang` of `mix@jiuzhang`; empty if there is only one instance."""
        return self.name.partition("@")[2]

    @property
    def section(self) -> str:
        """Its section of params.yaml."""
        return self.flags.get("params", (self.base,))[0]

    def path(self, flag: str) -> str:
        """The only path that its command passes under a flag. Raises GraphError if there is not exactly
        one.
        """
        values = self.flags.get(flag, ())
        if len(values) != 1:
            raise GraphError(
                f"the command of {self.name} in {GRAPH_FILE} passes {len(values)} paths under "
                f"--{flag.replace('_', '-')}; one was expected. Compare it with stages/{self.base}.py."
            )
        return values[0]

    def flag_of(self, path: str) -> str:
        """The flag under which its command passes a path. Raises GraphError if there is none."""
        for flag, values in self.flags.items():
            if path in values:
                return flag
        raise GraphError(
            f"{self.name} in {GRAPH_FILE} leaves {path}, which its command does not name. Name it there."
        )


@dataclass(frozen=True)
class Graph:
    """All stages, in the order of dvc.yaml."""

    stages: tuple[Stage, ...]

    def of(self, base: str) -> list[Stage]:
        """The instances of a stage (`mix`), or the one with that name (`mix@jiuzhang`)."""
        return [stage for stage in self.stages if base in (stage.base, stage.name)]

    def stage(self, name: str) -> Stage:
        """The stage with that full name. Raises GraphError if there is none."""
        for stage in self.stages:
            if stage.name == name:
                return stage
        names = ", ".join(stage.name for stage in self.of(name.partition("@")[0]) or self.stages)
        raise GraphError(f"{GRAPH_FILE} has no stage '{name}'; one of {names} was expected. Name one.")

    def path(self, name: str, flag: str) -> str:
        """The path that a stage's command passes under a flag. Raises GraphError if there is not exactly
        one.
        """
        return self.stage(name).path(flag)

    def paths(self, bases: Iterable[str], flag: str) -> list[str]:
        """The paths that the instances of some stages pass under a flag, stage by stage in the order
        given.
        """
        return [stage.path(flag) for base in bases for stage in self.of(base)]

    def ordered(self) -> list[Stage]:
        """The stages, each after all that it reads from; otherwise in the order of their names."""
        import networkx as nx

        by_name = {stage.name: stage for stage in self.stages}
        order: nx.DiGraph[str] = nx.DiGraph()
        order.add_nodes_from(by_name)
        order.add_edges_from(
            (above.name, stage.name)
            for stage in self.stages
            for path in stage.reads
            if (above := self.writer(path)) is not None
        )
        return [by_name[name] for name in nx.lexicographical_topological_sort(order)]

    def writer(self, path: str) -> Stage | None:
        """The stage that leaves a path or a directory that contains it; None if no stage does."""
        places = (path, *map(str, PurePosixPath(path).parents))
        return next((self._writers[place] for place in places if place in self._writers), None)

    @cached_property
    def _writers(self) -> dict[str, Stage]:
        return {path: stage for stage in self.stages for path in stage.leaves}


def read_graph(root: Path) -> Graph:
    """The graph of the dvc.yaml in `root`. Raises GraphError."""
    from dvc.exceptions import DvcException
    from dvc.parsing import DataResolver
    from dvc.repo import Repo
    from ruamel.yaml import YAML, YAMLError

    logging.getLogger("dvc").setLevel(logging.ERROR)  # DVC's own hints are for its own commands
    file = root / GRAPH_FILE
    try:
        document: Any = YAML(typ="safe").load(file.read_bytes())
        with Repo(str(root), uninitialized=True) as repo:
            resolver = DataResolver(repo, repo.root_dir, document)
            entries = {
                name: entry
                for key in resolver.get_keys()
                for name, entry in resolver.resolve_one(key).items()
            }
    except (DvcException, YAMLError, OSError) as error:
        reason = " ".join(str(error).split())
        raise GraphError(
            f"{file} cannot be read: {reason}. Fix what it names; `dvc status` shows it too."
        ) from error
    return Graph(tuple(_stage(name, entry) for name, entry in entries.items()))


def flags_of(command: str) -> dict[str, tuple[str, ...]]:
    """The flags of a command with their values, without the words before the first flag."""
    flags: dict[str, list[str]] = {}
    values: list[str] = []
    for word in shlex.split(command):
        if word.startswith("--"):
            values = flags.setdefault(word.removeprefix("--").replace("-", "_"), [])
        else:
            values.append(word)
    return {name: tuple(found) for name, found in flags.items()}


def _stage(name: str, entry: Mapping[str, Any]) -> Stage:
    left = {kind: frozenset(_paths(entry.get(kind, []))) for kind in ("outs", "metrics", "plots")}
    return Stage(
        name=name,
        desc=str(entry.get("desc", "")),
        flags=flags_of(str(entry["cmd"])),
        reads=frozenset(_paths(entry.get("deps", []))),
        outs=left["outs"],
        leaves=frozenset().union(*left.values()),
    )


def _paths(entries: Iterable[Any]) -> list[str]:
    """The paths of entries, each of which is a path, or a path with options."""
    return [str(path) for entry in entries for path in (entry if isinstance(entry, dict) else [entry])]
