"""Live notes are written where no file is lost: DVCLive empties the folder that it is given."""

import subprocess
from pathlib import Path

import pytest

from jz3.core.artifacts import Plot
from jz3.lm.live import open_live
from jz3.tables.loss_point import LossPoint

POINT = {"tokens": 10, "loss": 1.0, "learning_rate": 0.1, "gradient_norm": 0.5}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """DVCLive names the commit that it finds."""
    monkeypatch.chdir(tmp_path)
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        who = ["-c", "user.name=x", "-c", "user.email=x@x"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)
    return tmp_path


def noted(directory):
    live = open_live(directory, 2, resumed=False)
    if live:
        live.note(1, POINT, 0.5)
        live.note(2, POINT, 0.5)
        live.close()
    return live is not None


def test_notes_of_a_training_give_way_to_those_of_the_next(repository):
    assert noted(repository / "live")
    assert noted(repository / "live"), "what was noted is known as such"
    assert (repository / "live" / "plots" / "metrics" / "loss.tsv").is_file()


@pytest.mark.parametrize(
    "name", ["metrics.json", "report.md", "plots/metrics/mine.tsv", "params.yaml", "notes/thesis.txt"]
)
def test_a_folder_with_a_users_file_is_left_alone(repository, name):
    file = repository / "live" / name
    file.parent.mkdir(parents=True)
    file.write_text('{"mine": 1}')
    assert not noted(repository / "live")
    assert [path for path in (repository / "live").rglob("*") if path.is_file()] == [file]
    assert file.read_text() == '{"mine": 1}'


@pytest.mark.parametrize(
    ("plot", "live"),
    [
        ("data/plots/finetune/initial.csv", "data/live/finetune/initial"),
        ("/home/me/plots/loss.csv", "/home/me/live/loss"),
        ("/home/me/loss.csv", "/home/me/loss.live"),
        ("loss.csv", "loss.live"),
    ],
)
def test_the_place_of_the_notes_is_near_that_of_the_curve(plot, live):
    assert Plot(LossPoint, Path(plot)).live().as_posix() == live
