"""The graph of dvc.yaml: its stages, and which one reads the outputs of another."""

from collections import Counter
from dataclasses import dataclass

from jz3.core.artifacts import InFiles
from jz3.core.graph_file import read_graph


@dataclass(frozen=True)
class Node:
    """A stage; all instances of a matrix or foreach are one node."""

    name: str
    desc: str
    instances: int


@dataclass(frozen=True)
class Wiring:
    """Stages in the order of dvc.yaml, and pairs (stage that writes, stage that reads).

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
    """Read the graph. Only data are followed: the report reads metrics of every stage, and every stage reads
    the list of its code, and these edges would hide the graph. A stage that neither reads another's data nor
    leaves any is left out.
    """
    stages = read_graph(graph.path.parent).stages
    instances = Counter(stage.base for stage in stages)
    descriptions = {stage.base: stage.desc for stage in stages}
    leaves = {path: stage.base for stage in stages for path in stage.outs}
    edges = {(leaves[path], stage.base) for stage in stages for path in stage.reads if path in leaves}
    wired = {name for pair in edges for name in pair}
    nodes = (Node(name, descriptions[name], count) for name, count in instances.items() if name in wired)
    return Wiring(tuple(nodes), frozenset(pair for pair in edges if pair[0] != pair[1]))
