"""An older run is graded again from what DVC keeps of it; the working tree is neither read nor changed."""

import subprocess

import polars as pl
import pytest
from dvc.repo import Repo

from jz3.core.artifacts import In, Out
from jz3.evaluation.grade import grade
from jz3.graph.regrade import RegradeError, as_text, regrade
from jz3.tables.grade import Grade
from jz3.tables.item import Item
from jz3.tables.response import Response
from tests.evaluation.test_grade import CLEAN, PARAMS, items, responses

TEXTS = ["It is \\boxed{1}.", "It is \\boxed{2}.", "It is \\boxed{5}."]


@pytest.fixture
def run(tmp_path):
    """A run at the tag `old`, with one right answer judged wrong; then everything is deleted."""
    root = tmp_path / "run"
    root.mkdir()
    git(root, "init", "-q")
    with Repo.init(str(root)) as repo:
        answered, asked = responses(TEXTS), items(["1", "2", "3"])
        graded, _ = grade(answered, asked, CLEAN, PARAMS)
        wrong = graded.with_columns(correct=pl.col("correct") & (pl.col("item_id") != "b/1"))
        Out(Response, root / "data/responses/m.parquet").write(answered)
        Out(Item, root / "data/tasks/items.parquet").write(asked)
        Out(Grade, root / "data/grades/m.parquet").write(Grade.validate(wrong))
        paths = ["data/responses/m.parquet", "data/tasks/items.parquet", "data/grades/m.parquet"]
        repo.add([str(root / path) for path in paths])
    git(root, "add", "-A")
    git(root, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-q", "-m", "A run")
    git(root, "tag", "old")
    for path in paths:
        (root / path).unlink()
        (root / f"{path}.dvc").unlink()
    return root


def git(root, *words):
    subprocess.run(["git", "-C", str(root), *words], check=True)


def test_an_older_run_is_graded_by_the_rules_of_today(run, tmp_path):
    before = sorted(path for path in run.rglob("*") if ".git" not in path.parts and ".dvc" not in path.parts)
    (found,) = regrade(run, "old", tmp_path / "new", PARAMS)
    assert (found.model, found.responses) == ("m", 3)
    assert (found.correct_then, found.correct_now, found.changed) == (1, 2, 1)
    assert "1 correct then, 2 now, 1 verdicts changed" in as_text([found])
    graded = In(Grade, tmp_path / "new/m.parquet").read()
    expected, _ = grade(responses(TEXTS), items(["1", "2", "3"]), CLEAN, PARAMS)
    assert graded.equals(Grade.validate(expected)), "what the certificates said of each item among it"
    after = sorted(path for path in run.rglob("*") if ".git" not in path.parts and ".dvc" not in path.parts)
    assert before == after


@pytest.mark.parametrize("revision", ["none", "HEAD~9"])
def test_a_revision_that_is_not_there_is_one_line(run, tmp_path, revision):
    with pytest.raises(RegradeError, match="cannot be read") as caught:
        regrade(run, revision, tmp_path / "new", PARAMS)
    assert "\n" not in str(caught.value)


def test_a_run_whose_tables_nobody_has_is_one_line(run, tmp_path):
    for file in (run / ".dvc/cache/files").rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(RegradeError, match="dvc fetch"):
        regrade(run, "old", tmp_path / "new", PARAMS)
