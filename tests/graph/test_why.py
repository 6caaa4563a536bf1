import json

import pytest

from jz3.graph.repository import RepositoryError
from jz3.graph.why import as_json, as_text, why
from tests.graph.conftest import jz3, run_in


def test_each_reason_is_a_line_with_what_it_was_and_is(run):
    (run / "params.yaml").write_text("first: {rate: 0.2, deep: {a: 1}}\n")
    (run / "source.txt").write_text("y")
    text = as_text(why(run, "first"))
    assert "first: would run" in text
    assert "  parameter first.rate: 0.1 -> 0.2" in text
    assert "  input source.txt: 9dd4e461 -> 41529076" in text
    assert "  above it first would run" in as_text(why(run, "second"))


def test_a_library_that_drifted_is_named_though_nothing_is_stale(run):
    [one] = why(run, "first")
    assert one.reasons == []
    assert [(drift.library, drift.made_with) for drift in one.drift] == [("numpy", "1.0")]
    assert "one/manifest.json was made with numpy 1.0" in as_text([one])
    assert json.loads(as_json([one]))[0]["drift"][0]["library"] == "numpy"


def test_what_is_only_missing_is_told_from_what_changed(run):
    (run / "two.txt").unlink()
    text = as_text(why(run, "second"))
    assert "second: nothing has changed, but outputs are not here" in text
    assert "`dvc checkout` brings it" in text


def test_from_a_folder_under_the_root_the_same_is_said(run):
    (run / "source.txt").write_text("y")
    said = run_in(run, *jz3("why", "first"))
    assert said.splitlines()[0] == "first: would run"
    assert run_in(run / "one", *jz3("why", "first")) == said


def test_a_stage_that_is_not_there_is_named_with_those_that_are(run):
    with pytest.raises(RepositoryError, match="no stage 'third'; one of first, second"):
        why(run, "third")
