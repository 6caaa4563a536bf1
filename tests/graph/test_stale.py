"""What `dvc repro` would run, and why: on a pipeline of two stages that DVC itself ran."""

import shutil

import pytest

from jz3.graph.repository import RepositoryError
from jz3.graph.stale import IN_CACHE, Reason, stale_stages


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
    (run / "dvc.yaml").write_text(text.replace("cmd: cp one/a.txt", "cmd: cp -f one/a.txt"))
    reasons = found(run)
    assert [(r.kind, r.what) for r in reasons["first"]] == [("dep", "source.txt")]
    assert [(r.kind, r.what) for r in reasons["second"]] == [
        ("command", "cmd"),
        ("out", "two.txt"),
        ("upstream", "first"),
    ]
    command = reasons["second"][0]
    assert (command.before, command.after) == ("cp one/a.txt two.txt", "cp -f one/a.txt two.txt")


def test_an_output_that_is_only_missing_makes_nothing_below_it_stale(run):
    shutil.rmtree(run / "one")
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
