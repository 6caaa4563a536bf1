"""The graph of dvc.yaml: its stages, and which one reads what another leaves."""

import itertools
from dataclasses import dataclass
from typing import Any

import yaml

from jz3.core.artifacts import InFiles


@dataclass(frozen=True)
class Node:
    """A stage; those of a matrix or foreach are one node."""

    name: str
    desc: str
    instances: int


@dataclass(frozen=True)
class Wiring:
    """Stages in the order of dvc.yaml, and pairs (stage that leaves, stage that reads).

    A pair whose reader comes first in the file begins the next round (`select` to `distill`).
    """

    nodes: tuple[Node, ...]
    edges: frozenset[tuple[str, str]]

    def forward(self) -> list[tuple[str, str]]:
        """The pairs of one round, sorted; they have no cycle."""
        place = {node.name: number for number, node in enumerate(self.nodes)}
        return sorted(pair for pair in self.edges if place[pair[0]] < place[pair[1]])

    def back(self) -> list[tuple[str, str]]:
        return sorted(self.edges - set(self.forward()))


def read_wiring(graph: InFiles) -> Wiring:
    """Data alone are followed: that the report reads metrics of every stage would hide the graph."""
    stages: dict[str, Any] = yaml.safe_load(graph.path.read_text())["stages"]
    nodes: list[Node] = []
    leaves: dict[str, str] = {}
    reads: list[tuple[str, str]] = []
    for name, entry in stages.items():
        body = entry.get("do", entry)
        contexts = _contexts(entry)
        nodes.append(Node(name, body.get("desc", ""), len(contexts)))
        for context in contexts:
            leaves |= {_filled(path, context): name for path in _paths(body.get("outs", []))}
            reads += [(name, _filled(path, context)) for path in _paths(body.get("deps", []))]
    edges = {(leaves[path], name) for name, path in reads if path in leaves}
    return Wiring(tuple(nodes), frozenset(pair for pair in edges if pair[0] != pair[1]))


def _contexts(entry: dict[str, Any]) -> list[dict[str, str]]:
    """For each instance of a stage, what its `${...}` stand for."""
    if "matrix" in entry:
        names = [f"item.{name}" for name in entry["matrix"]]
        return [
            dict(zip(names, values, strict=True)) for values in itertools.product(*entry["matrix"].values())
        ]
    if isinstance(entry.get("foreach"), dict):
        return [
            {"key": key} | {f"item.{name}": value for name, value in item.items()}
            for key, item in entry["foreach"].items()
        ]
    return [{"item": item} for item in entry.get("foreach", [""])]


def _filled(path: str, context: dict[str, str]) -> str:
    for name, value in context.items():
        path = path.replace(f"${{{name}}}", str(value))
    return path


def _paths(entries: list[Any]) -> list[str]:
    """An entry is a path, or a path with options."""
    return [path for entry in entries for path in (entry if isinstance(entry, dict) else [entry])]
