"""The graph is the one that DVC runs, and a table is found by its stage and flag."""

import pytest

from jz3.core.graph_file import Graph, GraphError, flags_of, read_graph

DVC_YAML = """\
vars:
  - graph.yaml
stages:
  make:
    foreach: ${models}
    do:
      desc: Make it
      cmd: >-
        python -m stages.make --params make.${key}
        --from ${item.from} --table data/${key} --metrics ${key}.json
      deps: [stages/make.py, "${item.from}"]
      outs: ["data/${key}"]
      metrics: ["${key}.json": {cache: false}]
  join:
    cmd: python -m stages.join --tables data/a data/b --all-of-it data/all
    deps: [data/a, data/b]
    outs: [data/all]
"""


@pytest.fixture
def graph(tmp_path):
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "graph.yaml").write_text("models: {a: {from: data/x}, b: {from: data/a}}\n")
    return read_graph(tmp_path)


def test_stages_are_filled_in_and_stand_in_their_order(graph):
    assert [(stage.name, stage.base, stage.key) for stage in graph.stages] == [
        ("make@a", "make", "a"),
        ("make@b", "make", "b"),
        ("join", "join", ""),
    ]
    made = graph.stage("make@b")
    assert (made.desc, made.section, made.path("from")) == ("Make it", "make.b", "data/a")
    assert made.reads == {"stages/make.py", "data/a"}
    assert (made.outs, made.leaves) == ({"data/b"}, {"data/b", "b.json"})
    assert graph.stage("join").section == "join"


def test_a_table_is_found_by_stage_and_flag_and_its_writer_by_path(graph):
    assert graph.paths(["make"], "table") == ["data/a", "data/b"]
    assert graph.of("make") == list(graph.stages[:2])
    assert graph.of("make@b") == [graph.stages[1]]
    assert graph.path("join", "all_of_it") == "data/all"
    assert graph.writer("data/b") == graph.stage("make@b")
    assert graph.writer("data/x") is None


def test_a_stage_stands_after_those_it_reads_from_and_others_by_name(graph):
    for stages in (graph.stages, graph.stages[::-1]):
        assert [stage.name for stage in Graph(stages).ordered()] == ["make@a", "make@b", "join"]
    apart = Graph((graph.stage("make@b"), graph.stage("join")))
    assert [stage.name for stage in apart.ordered()] == ["make@b", "join"]
    alone = Graph((graph.stage("make@a"), graph.stage("join")))
    assert [stage.name for stage in alone.ordered()] == ["make@a", "join"]


def test_a_path_is_passed_under_a_flag(graph):
    assert graph.stage("join").flag_of("data/b") == "tables"
    assert graph.stage("join").flag_of("data/all") == "all_of_it"
    with pytest.raises(GraphError, match=r"join in dvc\.yaml leaves data/x, which its command does not name"):
        graph.stage("join").flag_of("data/x")


def test_what_is_not_there_is_named(graph, tmp_path):
    with pytest.raises(GraphError, match=r"no stage 'make@c'; one of make@a, make@b was expected"):
        graph.stage("make@c")
    with pytest.raises(
        GraphError, match=r"join in dvc\.yaml passes 2 paths under --tables; one was expected"
    ):
        graph.path("join", "tables")
    with pytest.raises(GraphError, match=r"make@a .* passes 0 paths under --un-known"):
        graph.path("make@a", "un_known")
    (tmp_path / "graph.yaml").unlink()
    with pytest.raises(GraphError, match=r"dvc\.yaml cannot be read: .*graph\.yaml"):
        read_graph(tmp_path)
    (tmp_path / "dvc.yaml").write_text("stages: [")
    with pytest.raises(GraphError, match=r"dvc\.yaml cannot be read"):
        read_graph(tmp_path)


def test_a_command_is_taken_apart():
    assert flags_of("python -m stages.x --a-b one 'two three' --c") == {"a_b": ("one", "two three"), "c": ()}
