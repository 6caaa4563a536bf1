"""A stamped copy states date and commit, and never replaces anything but a copy."""

import shutil
import subprocess
from datetime import UTC, datetime

import pytest

from jz3.core.errors import UserError
from jz3.report.page import STAMP, TITLE
from jz3.report.stamp import report_file, stamp_report
from tests.conftest import ROOT

NOW = datetime(2026, 11, 29, 8, 30, tzinfo=UTC)


def git(root, *words):
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    return subprocess.run(["git", *who, *words], cwd=root, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def clone(tmp_path):
    root = tmp_path / "clone"
    root.mkdir()
    for name in ("dvc.yaml", "graph.yaml"):
        shutil.copy(ROOT / name, root / name)
    (root / "data/report").mkdir(parents=True)
    (root / "data/report/index.html").write_text(f"{TITLE}<p>a</p>{STAMP}<p>b</p>")
    git(root, "init", "-q")
    git(root, "add", "dvc.yaml", "graph.yaml")
    git(root, "commit", "-qm", "one")
    return root


def test_a_copy_bears_date_and_commit_and_the_page_stays(clone):
    before = report_file(clone).read_text()
    target = clone / "copy.html"
    stamp_report(clone, target, NOW)
    commit = git(clone, "rev-parse", "HEAD").strip()
    assert f"Copied on 2026-11-29 08:30 UTC from commit {commit}." in target.read_text()
    (clone / "graph.yaml").write_text((clone / "graph.yaml").read_text() + "# edited\n")
    stamp_report(clone, target, NOW)
    assert f"{commit}, with edits." in target.read_text(), "a copy may replace a copy"
    assert report_file(clone).read_text() == before


def test_a_file_of_the_users_is_left(clone):
    target = clone / "thesis.html"
    target.write_text("precious")
    with pytest.raises(UserError):
        stamp_report(clone, target, NOW)
    assert target.read_text() == "precious"


@pytest.mark.parametrize("name", ["index.html", "copy.html", "../report/index.html"])
def test_what_the_stage_left_is_not_replaced(clone, name):
    before = report_file(clone).read_text()
    with pytest.raises(UserError, match="place of its own"):
        stamp_report(clone, clone / "data/report" / name, NOW)
    assert report_file(clone).read_text() == before
    assert [file.name for file in (clone / "data/report").iterdir()] == ["index.html"]


def test_without_a_report_the_error_says_how_to_make_one(clone):
    report_file(clone).unlink()
    with pytest.raises(UserError, match=r"dvc repro report"):
        stamp_report(clone, clone / "copy.html", NOW)
