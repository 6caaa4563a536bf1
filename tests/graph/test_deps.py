"""Each stage of dvc.yaml depends on the list of its own code: a missing dependency is noticed, and fixed."""

import pytest

from jz3.graph.deps import DepsError, differences, fix

DVC_YAML = """\
stages:
  code:
    cmd: python -m stages.code
    deps:
      - jz3
      - stages
  one: # the first
    cmd: python -m stages.one
    deps:
      - data/raw # the texts
  many:
    foreach:
      a: {x: 1}
    do:
      cmd: python -m stages.many
      deps:
        - data/code/one.txt
        - data/code/many.txt
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    return tmp_path


def test_a_list_that_is_missing_and_one_of_another_stage_are_noticed(root):
    assert differences(root) == {
        "one": (["data/code/one.txt"], []),
        "many": ([], ["data/code/one.txt"]),
    }


def test_fix_makes_the_dependencies_right_and_keeps_comments_and_data(root):
    fix(root)
    assert differences(root) == {}
    text = (root / "dvc.yaml").read_text()
    assert "# the first" in text
    assert "data/raw # the texts" in text
    assert "- jz3\n" in text


def test_without_a_graph_there_is_one_line(tmp_path):
    with pytest.raises(DepsError, match=r"dvc\.yaml does not exist; the graph was expected there"):
        differences(tmp_path)
