"""Draws the graph of stages as SVG, from sources down to the report: placed by grandalf, drawn by matplotlib.

Edges implied by others are left out (transitive reduction).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import networkx as nx
from markupsafe import Markup

from jz3.report.plots import INK, ONE, PANEL, SOFT, TWO, drawing, markup
from jz3.report.wiring import Wiring

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 130, 34  # of a node, in units of the drawing
BETWEEN = 22  # from a node to the next of its layer, chosen
DOWN = 34  # between layers, chosen
INCH = 96  # units of the drawing
Point = tuple[float, float]


def drawn(wiring: Wiring) -> Markup:
    """The graph as inline SVG; a dashed line starts the next round."""
    graph: nx.DiGraph[str] = nx.DiGraph(wiring.forward())
    graph.add_nodes_from(node.name for node in wiring.nodes)
    at, lines = placed(graph)
    again = _not_implied(wiring.back(), graph)
    across = [*(x for x, _ in at.values()), *(x for line in lines for x, _ in line)]
    left, right = min(across), max(across)
    top, foot = min(y for _, y in at.values()), max(y for _, y in at.values())
    with drawing((right - left + WIDTH + 70) / INCH, (foot - top + HEIGHT + 12) / INCH) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_xlim(left - WIDTH / 2 - 6, right + WIDTH / 2 + 64)
        axes.set_ylim(foot + HEIGHT / 2 + 6, top - HEIGHT / 2 - 6)
        axes.set_axis_off()
        for number, line in enumerate(sorted(lines)):
            _line(axes, line, f"edge-{number}")
        for number, (start, end) in enumerate(again):
            _return(axes, at[start], at[end], right + WIDTH / 2 + 40, f"again-{number}")
        for node in wiring.nodes:
            label = f"{node.name} ×{node.instances}" if node.instances > 1 else node.name
            _box(axes, at[node.name], label)
        names = ", ".join(node.name for node in wiring.nodes)
        return markup(figure, "graph", f"the stages and what they read from each other: {names}", "plot tall")


def placed(graph: "nx.DiGraph[str]") -> tuple[dict[str, Point], list[list[Point]]]:
    """The position of each stage (y grows downwards), and the points of each edge.

    Layers and the order within them come from Sugiyama's method; unconnected parts are placed side by side.
    """
    from grandalf.graphs import Edge, Vertex, graph_core
    from grandalf.layouts import SugiyamaLayout
    from grandalf.routing import EdgeViewer, route_with_lines

    pairs = sorted(nx.transitive_reduction(graph).edges)
    vertices: dict[str, Any] = {name: Vertex(name) for name in sorted(graph)}
    for vertex in vertices.values():
        vertex.view = _View()
    at: dict[str, Point] = {}
    lines: list[list[Point]] = []
    beside = 0.0
    for names in sorted(map(sorted, nx.weakly_connected_components(graph))):
        edges: list[Any] = [Edge(vertices[start], vertices[end]) for start, end in pairs if start in names]
        for edge in edges:
            edge.view = EdgeViewer()
        # One part at a time: the library assigns edges to parts by the addresses of objects.
        part: Any = graph_core([vertices[name] for name in names], edges)
        layout: Any = SugiyamaLayout(part)
        layout.route_edge = route_with_lines
        layout.xspace, layout.yspace = BETWEEN, DOWN
        layout.init_all(roots=[v for v in part.sV if not v.e_in()], optimize=False)
        layout.draw(8)  # sweeps; chosen: more change nothing on graphs of this size
        spots = {vertex.data: vertex.view.xy for vertex in part.sV}
        shift = beside + WIDTH / 2 - min(x for x, _ in spots.values())
        at |= {name: (x + shift, y) for name, (x, y) in spots.items()}
        lines += [[(x + shift, y) for x, y in edge.view._pts] for edge in part.sE]
        beside = max(x for x, _ in at.values()) + WIDTH / 2 + BETWEEN
    return at, lines


class _View:
    """The size of a node, and its position once it is placed."""

    def __init__(self) -> None:
        self.w, self.h = WIDTH, HEIGHT
        self.xy: Point = (0.0, 0.0)


def _not_implied(back: Sequence[tuple[str, str]], graph: "nx.DiGraph[str]") -> list[tuple[str, str]]:
    """Drop edges whose reader also follows from another stage that begins the next round."""
    return [
        (start, end)
        for start, end in back
        if not any(end != other and nx.has_path(graph, other, end) for begin, other in back if begin == start)
    ]


def _line(axes: "Axes", points: Sequence[Point], name: str) -> None:
    """Draw an edge from the bottom of its first stage to the top of its last, through the gaps between
    others.
    """
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x, y), *rest = points
    corners, moves = [(x, y)], [Path.MOVETO]
    for to_x, to_y in rest:
        middle = (y + to_y) / 2
        corners += [(x, middle), (to_x, middle), (to_x, to_y)]
        moves += [Path.CURVE4] * 3
        x, y = to_x, to_y
    axes.add_patch(PathPatch(Path(corners, moves), fill=False, edgecolor=SOFT, linewidth=0.9, gid=name))


def _return(axes: "Axes", start: Point, end: Point, margin: float, name: str) -> None:
    """Draw an edge back up, to the right of every stage."""
    x = [start[0] + WIDTH / 2, margin, margin, end[0] + WIDTH / 2]
    y = [start[1], start[1], end[1], end[1]]
    axes.plot(x, y, color=TWO, linewidth=1.3, linestyle=(0, (5, 3)), gid=name)


def _box(axes: "Axes", at: Point, label: str) -> None:
    from matplotlib.patches import FancyBboxPatch

    x, y = at
    corner = (x - WIDTH / 2 + 4, y - HEIGHT / 2 + 4)
    box = FancyBboxPatch(
        corner, WIDTH - 8, HEIGHT - 8, boxstyle="round,pad=4", facecolor=PANEL, edgecolor=ONE, linewidth=0.8
    )
    axes.add_patch(box)
    axes.text(x, y, label, ha="center", va="center", fontsize=8.5, color=INK)
