"""Draws the graph of stages as SVG, layer by layer from sources to the report.

A layer is a topological generation. Pairs that follow from others are left out (transitive reduction); one
that spans several layers runs through a place of its own in each, so that it crosses no stage.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from statistics import fmean

import networkx as nx

from jz3.report.markup import Html, classed, element
from jz3.report.wiring import Node, Wiring

WIDTH, HEIGHT = 128, 34  # of a node, in units of the drawing
ACROSS, DOWN = 150, 62  # from node to node
BEND = 18  # chosen: an edge between layers leaves and arrives upright
SWEEPS = 4  # chosen: more change nothing on graphs of this size

Place = tuple[str, int]
"""A stage, or a long edge `a>b`, in a layer."""


def drawn(wiring: Wiring) -> Html:
    """The graph as inline SVG; a dashed line begins the next round."""
    graph: nx.DiGraph[str] = nx.DiGraph(wiring.forward())
    graph.add_nodes_from(node.name for node in wiring.nodes)
    layer = {name: number for number, names in enumerate(nx.topological_generations(graph)) for name in names}
    pairs = sorted(nx.transitive_reduction(graph).edges)
    chains = [_chain(start, end, layer) for start, end in pairs]
    rows = _ordered(layer, chains)
    widest = max(map(len, rows))
    at = {
        place: (ACROSS * (number + (widest - len(row)) / 2 + 0.5), DOWN * depth + HEIGHT)
        for depth, row in enumerate(rows)
        for number, place in enumerate(row)
    }
    lines = [_line([at[place] for place in chain]) for chain in chains]
    again = [
        _return(at[start, layer[start]], at[end, layer[end]], ACROSS * widest + BEND)
        for start, end in _not_implied(wiring.back(), graph)
    ]
    boxes = [_box(node, at[node.name, layer[node.name]]) for node in wiring.nodes]
    return classed(
        "div", "scroll", _svg(ACROSS * widest + 2 * BEND, DOWN * len(rows), [*lines, *again, *boxes])
    )


def _not_implied(back: Sequence[tuple[str, str]], graph: "nx.DiGraph[str]") -> list[tuple[str, str]]:
    """Without pairs whose reader also follows from another stage that the next round begins with."""
    return [
        (start, end)
        for start, end in back
        if not any(end != other and nx.has_path(graph, other, end) for begin, other in back if begin == start)
    ]


def _svg(width: float, height: float, shapes: Sequence[Html]) -> Html:
    attributes = {
        "viewBox": f"0 0 {width:.0f} {height:.0f}",
        "class": "graph",
        "role": "img",
        "aria-label": "the stages and what they read from each other",
    }
    return element("svg", *shapes, attributes=attributes)


def _chain(start: str, end: str, layer: Mapping[str, int]) -> list[Place]:
    between = [(f"{start}>{end}", depth) for depth in range(layer[start] + 1, layer[end])]
    return [(start, layer[start]), *between, (end, layer[end])]


def _ordered(layer: Mapping[str, int], chains: Sequence[Sequence[Place]]) -> list[list[Place]]:
    """The places of each layer from left to right, each near those that it is joined with."""
    places = sorted({(name, depth) for name, depth in layer.items()} | {p for chain in chains for p in chain})
    rows = [[place for place in places if place[1] == depth] for depth in range(max(layer.values()) + 1)]
    joined: dict[Place, set[Place]] = {place: set() for place in places}
    for chain in chains:
        for above, below in pairwise(chain):
            joined[above].add(below)
            joined[below].add(above)
    for sweep in range(SWEEPS):
        depths = range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1)
        for depth in depths:
            rows[depth] = _sorted_by_neighbours(rows, depth, joined, -1 if sweep % 2 == 0 else 1)
    return rows


def _sorted_by_neighbours(
    rows: Sequence[Sequence[Place]], depth: int, joined: Mapping[Place, set[Place]], step: int
) -> list[Place]:
    if not 0 <= depth + step < len(rows):
        return list(rows[depth])
    beside = {place: number - len(rows[depth + step]) / 2 for number, place in enumerate(rows[depth + step])}
    middle = len(rows[depth]) / 2

    def wished(numbered: tuple[int, Place]) -> tuple[float, int]:
        number, place = numbered
        near = sorted(beside[other] for other in joined[place] if other in beside)
        return fmean(near) if near else number - middle, number

    return [place for _, place in sorted(enumerate(rows[depth]), key=wished)]


def _line(points: Sequence[tuple[float, float]]) -> Html:
    """From the foot of the first place through the middles of others to the head of the last."""
    (x, y), *rest = points
    path = [f"M{x:.0f} {y + HEIGHT / 2:.0f}"]
    for number, (to_x, to_y) in enumerate(rest, start=1):
        head = to_y - HEIGHT / 2
        from_y = y + HEIGHT / 2
        path.append(f"C{x:.0f} {from_y + BEND:.0f} {to_x:.0f} {head - BEND:.0f} {to_x:.0f} {head:.0f}")
        if number < len(rest):
            path.append(f"V{to_y + HEIGHT / 2:.0f}")
        x, y = to_x, to_y
    return element("path", attributes={"d": "".join(path), "class": "edge"})


def _return(start: tuple[float, float], end: tuple[float, float], margin: float) -> Html:
    """Back up, to the right of every stage."""
    (x, y), (to_x, to_y) = start, end
    path = (
        f"M{x + WIDTH / 2:.0f} {y:.0f}H{margin - BEND:.0f}Q{margin:.0f} {y:.0f} {margin:.0f} {y - BEND:.0f}"
        f"V{to_y + BEND:.0f}Q{margin:.0f} {to_y:.0f} {margin - BEND:.0f} {to_y:.0f}H{to_x + WIDTH / 2:.0f}"
    )
    return element("path", attributes={"d": path, "class": "edge again"})


def _box(node: Node, at: tuple[float, float]) -> Html:
    x, y = at
    corner = {"x": f"{x - WIDTH / 2:.0f}", "y": f"{y - HEIGHT / 2:.0f}"}
    label = f"{node.name} ×{node.instances}" if node.instances > 1 else node.name
    return element(
        "g",
        element("title", f"{node.name}: {node.desc}"),
        element("rect", attributes=corner | {"width": WIDTH, "height": HEIGHT, "rx": 6}),
        element("text", label, attributes={"x": f"{x:.0f}", "y": f"{y + 5:.0f}"}),
    )
