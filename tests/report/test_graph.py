"""The graph on the page is that of dvc.yaml."""

import re
from pathlib import Path

from jz3.core.artifacts import InFiles
from jz3.report.graph import drawn
from jz3.report.wiring import read_wiring

ROOT = Path(__file__).parents[2]
DVC = """
stages:
  a: {desc: first, matrix: {s: [x, y]}, cmd: a, outs: ["data/${item.s}"]}
  b:
    foreach: {k: {from: x}, l: {from: y}}
    do: {desc: second, cmd: b, deps: ["data/${item.from}", data/c], outs: [{"b/${key}": {cache: false}}]}
  c: {desc: third, cmd: c, deps: [b/k, data/y], outs: [data/c], metrics: [m.json]}
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
    assert svg.count('class="edge"') == 3
    assert svg.count('class="edge again"') == 1


def test_the_second_round_of_our_graph_is_drawn_as_one_way_back():
    ours = read_wiring(InFiles(ROOT / "dvc.yaml"))
    assert ours.back() == [("select", "distill"), ("select", "finetune")], "the second follows from the first"
    assert drawn(ours).count('class="edge again"') == 1


def test_no_two_stages_stand_in_one_place():
    svg = drawn(read_wiring(InFiles(ROOT / "dvc.yaml")))
    places = re.findall(r'<rect x="(-?\d+)" y="(-?\d+)"', svg)
    assert len(places) == len(set(places)) == len(read_wiring(InFiles(ROOT / "dvc.yaml")).nodes)
