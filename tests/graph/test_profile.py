import shutil

import pytest

from jz3.graph.deps import wrong_lists
from jz3.graph.profile import (
    IN_USE,
    ProfileError,
    check_no_edits,
    profile_difference,
    profile_names,
    write_profile,
)
from tests.conftest import ROOT

DVC_YAML = """\
vars:
  - graph.yaml
stages:
  make:
    foreach: ${models}
    do:
      cmd: >-
        python -m stages.make
        --table data/${item}
      deps:
        - stages/make.py
      outs:
        - data/${item}
  join:
    meta:
      lists:
        tables: {table: [make]}
    cmd: >-
      python -m stages.join
      --tables data/a
      --metrics m.json
    deps:
      - stages/join.py
      - data/a
    metrics:
      - m.json: {cache: false} # small

plots:
  - loss:
      x: step
      y:
        data/live/make/a/plots/metrics/loss.tsv: loss

# What others take by name.
artifacts:
  one:
    path: data/a
"""


@pytest.fixture
def root(tmp_path):
    for kind in ("graphs", "execution"):
        (tmp_path / "profiles" / kind).mkdir(parents=True)
    for name, number, models in (("small", 1, "[a]"), ("large", 2, "[a, b]")):
        (tmp_path / "profiles" / f"{name}.yaml").write_text(f"a: {{b: {number}}}\nc: 1.0e-05 # small\n")
        (tmp_path / "profiles/execution" / f"{name}.yaml").write_text(f"workers: {number}\n")
        (tmp_path / "profiles/graphs" / f"{name}.yaml").write_text(f"models: {models}\n")
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    return tmp_path


def test_a_profile_becomes_the_parameters_and_the_graph(root):
    write_profile(root, "small")
    assert (root / "params.yaml").read_text() == "a: {b: 1}\nc: 1.0e-05 # small\n"
    assert (root / "execution.yaml").read_text() == "workers: 1\n"
    assert (root / "graph.yaml").read_text() == "models: [a]\n"
    assert (root / "dvc.yaml").read_text() == DVC_YAML
    assert profile_difference(root, "large").splitlines() == [
        "params.yaml: a.b: 1 -> 2",
        "execution.yaml: workers: 1 -> 2",
        'graph.yaml: models: ["a"] -> ["a", "b"]',
    ]
    assert profile_difference(root, "small") == ""


def test_files_are_compared_by_their_values(root):
    write_profile(root, "small")
    (root / "params.yaml").write_text("c: 0.00001\na:\n  b: 1\n")
    check_no_edits(root)
    assert profile_difference(root, "small") == ""
    (root / "params.yaml").write_text("a: {b: 1, new: x}\n")
    assert profile_difference(root, "small").splitlines() == [
        'params.yaml: a.new: "x" -> absent',
        "params.yaml: c: absent -> 1e-05",
    ]
    (root / "params.yaml").write_text("a: [")
    assert profile_difference(root, "small").startswith("params.yaml is not YAML: ")
    with pytest.raises(ProfileError, match="holds edits"):
        check_no_edits(root)


def test_the_lists_in_dvc_yaml_follow_the_profile_and_come_back(root):
    write_profile(root, "large")
    text = (root / "dvc.yaml").read_text()
    assert "      --tables\n      data/a\n      data/b\n      --metrics m.json\n" in text
    assert "      - data/a\n      - data/b\n" in text
    assert "{cache: false} # small" in text
    last = "        data/live/make/b/plots/metrics/loss.tsv: loss\n"
    assert f"{last}\n# What others take by name.\nartifacts:\n" in text
    write_profile(root, "small")
    assert (root / "dvc.yaml").read_text() == DVC_YAML


@pytest.mark.parametrize(
    ("file", "edit"),
    [("params.yaml", "a: {b: 3}\n"), ("graph.yaml", "models: [c]\n"), ("execution.yaml", "workers: 3\n")],
)
def test_edits_are_not_written_over(root, file, edit):
    write_profile(root, "small")
    check_no_edits(root)
    (root / file).write_text(edit)
    with pytest.raises(ProfileError, match=rf"{file} holds edits.*large, small"):
        check_no_edits(root)


def test_a_profile_that_is_not_there_is_named_with_those_that_are(root):
    with pytest.raises(ProfileError, match=r"huge\.yaml does not exist.*one of large, small"):
        write_profile(root, "huge")
    assert not (root / "params.yaml").exists()


@pytest.mark.parametrize("file", IN_USE.values())
@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (b"a: [1\nc: 2\n", "is not YAML: "),
        (b"a: 1\n  b: 2\n", "is not YAML: "),
        (b"a: 1\na: 2\n", "is not YAML: .*duplicate key"),
        (b"a: \xe9\n", "is not UTF-8: "),
    ],
)
def test_a_profile_with_a_slip_is_named(root, file, broken, said):
    write_profile(root, "small")
    slip = root / file.format("small")
    slip.write_bytes(broken)
    with pytest.raises(ProfileError, match=rf"{slip} {said}.*Correct it there"):
        profile_difference(root, "small")


def test_each_profile_of_ours_is_written_and_the_embedded_one_comes_back_to_the_byte(tmp_path):
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    files = ("dvc.yaml", *IN_USE)
    for file in files:
        shutil.copy(ROOT / file, tmp_path / file)
    for name in profile_names(ROOT):
        write_profile(tmp_path, name)
        assert wrong_lists(tmp_path) == []
        written = {file: (tmp_path / file).read_bytes() for file in files}
        write_profile(tmp_path, "embedded")
        assert {file: (tmp_path / file).read_bytes() for file in files} == {
            file: (ROOT / file).read_bytes() for file in files
        }
        write_profile(tmp_path, name)
        assert {file: (tmp_path / file).read_bytes() for file in files} == written
