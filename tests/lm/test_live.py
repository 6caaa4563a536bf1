"""Live notes are written where no file can be lost: DVCLive empties the folder that it is given."""

import importlib.util
import json
import sqlite3
import subprocess
from pathlib import Path

import pytest

from jz3.core.artifacts import Plot
from jz3.lm.live import open_live
from jz3.lm.trackers import TrackerError
from jz3.tables.loss_point import LossPoint

POINT = {"tokens": 10, "loss": 1.0, "learning_rate": 0.1, "gradient_norm": 0.5}


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository, since DVCLive names the commit that it finds."""
    monkeypatch.chdir(tmp_path)
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "x"]):
        who = ["-c", "user.name=x", "-c", "user.email=x@x"]
        subprocess.run(["git", *who, *words], cwd=tmp_path, check=True)
    return tmp_path


def noted(directory, *trackers):
    live = open_live("finetune", directory, 2, trackers or ("dvclive",), resumed=False)
    if live:
        live.note(1, POINT, 0.5)
        live.note(2, POINT, 0.5)
        live.close()
    return live is not None


def test_notes_of_a_training_give_way_to_those_of_the_next(repository):
    assert noted(repository / "live")
    assert noted(repository / "live"), "what was noted is known as such"
    assert (repository / "live" / "plots" / "metrics" / "loss.tsv").is_file()


def test_without_trackers_nothing_is_written(tmp_path):
    assert open_live("finetune", tmp_path / "live", 2, [], resumed=False) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_a_tracker_that_is_not_installed_is_refused_with_the_extra_that_brings_it(name, tmp_path):
    if importlib.util.find_spec(name):
        pytest.skip(f"{name} is installed: the tests below run it")
    with pytest.raises(TrackerError, match=rf"`{name}`, which is not installed.*jz3\[{name}\]"):
        open_live("finetune", tmp_path / "live", 2, [name], resumed=False)


def test_trackio_gets_the_figures_of_dvclive(repository, monkeypatch):
    monkeypatch.setenv("TRACKIO_DIR", str(repository / "trackio"))  # read on import
    pytest.importorskip("trackio", reason="an extra, which `make test` does without")
    assert noted(repository / "live/initial", "dvclive", "trackio")
    with sqlite3.connect(repository / "trackio/jz3.db") as database:
        rows = database.execute("SELECT run_name, step, metrics FROM metrics ORDER BY step").fetchall()
    assert [row[:2] for row in rows] == [("finetune initial", 1), ("finetune initial", 2)]
    for name in json.loads(rows[1][2]):
        assert (repository / f"live/initial/plots/metrics/{name}.tsv").is_file()


def test_weights_and_biases_writes_beside_the_notes_of_dvclive_or_asks_for_a_key(repository, monkeypatch):
    wandb = pytest.importorskip("wandb", reason="an extra, which `make test` does without")
    monkeypatch.setenv("WANDB_MODE", "offline")
    assert noted(repository / "live/initial", "dvclive", "wandb")
    assert noted(repository / "live/initial", "dvclive", "wandb"), "DVCLive finds its own notes alone"
    assert len(list((repository / "live/initial.wandb/wandb").glob("offline-run-*/*.wandb"))) == 2
    for name in ("WANDB_MODE", "WANDB_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(repository))
    wandb.teardown()  # it keeps what it read from the environment
    with pytest.raises(TrackerError, match="Set WANDB_API_KEY"):
        noted(repository / "live/initial", "wandb")


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
