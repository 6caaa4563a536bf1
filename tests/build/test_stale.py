"""What `dvc repro` would run, and why: on a pipeline of two stages that DVC itself has run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from jz3.build.repository import RepositoryError
from jz3.build.stale import IN_CACHE, Reason, stale_stages

DVC_YAML = """\
stages:
  first:
    cmd: cp source.txt one.txt
    deps: [source.txt]
    params: [first]
    outs: [one.txt]
  second:
    cmd: cp one.txt two.txt
    deps: [one.txt]
    outs: [two.txt]
"""


def dvc(root, *arguments):
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    command = [sys.executable, "-m", "dvc", *arguments]
    subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """The pipeline, run once by DVC; tests change copies."""
    path = tmp_path_factory.mktemp("pipeline") / "repository"
    path.mkdir()
    dvc(path, "init", "--no-scm", "-q")
    (path / "dvc.yaml").write_text(DVC_YAML)
    (path / "params.yaml").write_text("first: {rate: 0.1, deep: {a: 1}}\n")
    (path / "source.txt").write_text("x")
    dvc(path, "repro", "-q")
    return path


@pytest.fixture
def run(ran, tmp_path, monkeypatch):
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))
    return shutil.copytree(ran, tmp_path / "repository")


def found(root):
    return {stale.stage: stale.reasons for stale in stale_stages(root)}


def test_what_never_ran_is_new_and_upstream_comes_first(run):
    (run / "dvc.lock").unlink()
    assert list(found(run)) == ["first", "second"]
    assert found(run)["first"] == [Reason("new", "first", None, None)]


def test_nothing_is_stale_after_a_run(run):
    assert stale_stages(run) == []


def test_a_changed_parameter_is_named_with_both_values_and_what_follows_names_it(run):
    (run / "params.yaml").write_text("first: {rate: 0.2, deep: {a: 1}, extra: 3}\n")
    assert found(run) == {
        "first": [Reason("param", "first.extra", None, "3"), Reason("param", "first.rate", "0.1", "0.2")],
        "second": [Reason("upstream", "first", None, None)],
    }


def test_a_changed_input_an_edited_output_and_a_changed_command_are_told_apart(run):
    (run / "source.txt").write_text("y")
    (run / "two.txt").write_text("edited")
    text = (run / "dvc.yaml").read_text()
    (run / "dvc.yaml").write_text(text.replace("cmd: cp one.txt", "cmd: cp -f one.txt"))
    reasons = found(run)
    assert [(r.kind, r.what) for r in reasons["first"]] == [("dep", "source.txt")]
    assert [(r.kind, r.what) for r in reasons["second"]] == [
        ("command", "cmd"),
        ("out", "two.txt"),
        ("upstream", "first"),
    ]
    command = reasons["second"][0]
    assert (command.before, command.after) == ("cp one.txt two.txt", "cp -f one.txt two.txt")


def test_an_output_that_is_only_missing_makes_nothing_below_it_stale(run):
    (run / "one.txt").unlink()
    [stale] = stale_stages(run)
    assert (stale.stage, stale.only_missing) == ("first", True)
    assert [reason.after for reason in stale.reasons] == [IN_CACHE]


def test_it_agrees_with_dvc_on_a_file_that_dvc_cannot_read(run):
    (run / "dvc.yaml").write_text("stages: [")
    with pytest.raises(RepositoryError, match=r"DVC cannot read .*dvc\.yaml"):
        stale_stages(run)


def test_a_lock_file_that_is_no_yaml_is_named_with_the_remedy(run):
    (run / "dvc.lock").write_text("stages: [")
    with pytest.raises(RepositoryError, match=r"dvc\.lock.*git checkout dvc\.lock"):
        stale_stages(run)
