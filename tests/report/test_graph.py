"""The graph on the page is that of dvc.yaml."""

import os
import re
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import networkx as nx
import pytest

from jz3.core.artifacts import InFiles
from jz3.report.graph import HEIGHT, INCH, WIDTH, drawn, placed
from jz3.report.wiring import Node, Wiring, read_wiring

ROOT = Path(__file__).parents[2]
DVC = """
stages:
  lists: {desc: of code, cmd: l, outs: [lists]}
  a: {desc: first, matrix: {s: [x, y]}, cmd: a, outs: ["data/${item.s}"]}
  b:
    foreach: {k: {from: x}, l: {from: y}}
    do: {desc: second, cmd: b, deps: ["data/${item.from}", data/c], outs: [{"b/${key}": {cache: false}}]}
  c: {desc: third, cmd: c, deps: [lists/c, b/k, data/y], outs: [data/c], metrics: [m.json]}
  d: {desc: last, cmd: d, deps: [data/c, m.json]}
"""


def wiring(tmp_path, text):
    (tmp_path / "dvc.yaml").write_text(text)
    return read_wiring(InFiles(tmp_path / "dvc.yaml"))


def test_edges_follow_the_paths_that_the_instances_leave_and_read(tmp_path):
    found = wiring(tmp_path, DVC)
    assert [(node.name, node.instances) for node in found.nodes] == [("a", 2), ("b", 2), ("c", 1), ("d", 1)]
    assert found.forward() == [("a", "b"), ("a", "c"), ("b", "c"), ("c", "d")]
    assert found.back() == [("c", "b")]


def test_an_edge_that_follows_from_others_is_not_drawn(tmp_path):
    svg = drawn(wiring(tmp_path, DVC))
    assert svg.count('id="graph-edge-') == 3
    assert svg.count('id="graph-again-') == 1


def points(path):
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", path)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def test_boxes_lie_around_their_names_and_lines_join_their_borders():
    chain = Wiring(
        tuple(Node(name, "", 1) for name in "abc"), frozenset({("a", "b"), ("b", "c"), ("c", "a")})
    )
    svg = drawn(chain)
    wide, high = points(re.search(r'viewBox="0 0 ([^"]+)"', svg)[1])[0]
    paths = re.findall(r'<g id="graph-([\w-]+)">\s*<path d="([^"]*)"', svg)
    corners = [points(path) for name, path in paths if name.startswith("patch_")][1:]
    boxes = [(min(x), max(x), min(y), max(y)) for x, y in (zip(*box, strict=True) for box in corners)]
    names = re.findall(r'<text [^>]*x="([\d.]+)" y="([\d.]+)"', svg)
    for (left, right, top, foot), (x, y) in zip(boxes, names, strict=True):
        assert (left + right) / 2 == pytest.approx(float(x))
        assert (right - left, foot - top) == pytest.approx((WIDTH * 72 / INCH, HEIGHT * 72 / INCH))
        assert 0 <= left < right <= wide
        assert 0 <= top < float(y) < foot <= high
    lines = {name: points(path) for name, path in paths}
    (first, second, last), middle = boxes, float(names[0][0])
    for edge, before, after in (("edge-0", first, second), ("edge-1", second, last)):
        assert lines[edge][0] == pytest.approx((middle, before[3]))
        assert lines[edge][-1] == pytest.approx((middle, after[2]))
    start, *_, end = lines["again-0"]
    assert start == pytest.approx((last[1], (last[2] + last[3]) / 2))
    assert end == pytest.approx((first[1], (first[2] + first[3]) / 2))
    assert first[1] < max(x for x, _ in lines["again-0"]) < wide


def test_the_second_round_of_our_graph_is_drawn_as_one_way_back():
    ours = read_wiring(InFiles(ROOT / "dvc.yaml"))
    assert ours.back() == [("select", "distill"), ("select", "finetune")], "the second follows from the first"
    assert drawn(ours).count('id="graph-again-') == 1


def test_no_two_stages_overlap_and_no_edge_runs_through_a_third():
    graph = nx.DiGraph(read_wiring(InFiles(ROOT / "dvc.yaml")).forward())
    at, lines = placed(graph)
    assert set(at) == set(graph)
    spots = list(at.values())
    for (x, y), (other_x, other_y) in combinations(spots, 2):
        assert abs(x - other_x) >= WIDTH or abs(y - other_y) >= HEIGHT
    for line in lines:
        for x, y in line[1:-1]:
            assert not any(abs(x - at_x) < WIDTH / 2 and abs(y - at_y) < HEIGHT / 2 for at_x, at_y in spots)


def test_parts_that_nothing_joins_stand_side_by_side():
    at, _ = placed(nx.DiGraph([("a", "b"), ("c", "d")]))
    assert abs(at["a"][0] - at["c"][0]) >= WIDTH


PLACED = """
import networkx as nx
from jz3.report.graph import placed
pairs = [(f"s{a}", f"s{b}") for a in range(12) for b in range(a + 1, 12) if (a * b + a) % 5 < 2]
graph = nx.DiGraph([*pairs, ("alone", "with")])
print(placed(graph))
"""


def test_places_do_not_depend_on_the_addresses_of_objects():
    """Grandalf keeps edges in sets if it has to find the parts of a graph by itself."""
    printed = {
        subprocess.run(
            [sys.executable, "-c", f"kept = [object() for _ in range({count})]\n{PLACED}"],
            cwd=ROOT,
            env=os.environ | {"PYTHONHASHSEED": str(count)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for count in (1, 500, 4000, 30000)
    }
    assert len(printed) == 1
