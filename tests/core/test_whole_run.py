"""A stage says how far the run of `dvc repro` is, and how long the rest takes."""

import os
import re
import subprocess
import sys

import pytest
import yaml

from jz3.core.terminal import duration
from jz3.core.whole_run import NOTES, Asked, enter, leave
from tests import executions
from tests.conftest import ROOT

PROGRAM = '''
"""Write a row."""
import dataframely as dy
import polars as pl
from jz3.core.artifacts import Out
from jz3.core.params import Params
from jz3.core.stage import run
class Row(dy.Schema):
    n = dy.Int64(primary_key=True)
class LineParams(Params):
    n: int
def main(params: LineParams, rows: Out[Row]) -> None:
    rows.write(pl.DataFrame({"n": [params.n]}))
if __name__ == "__main__":
    run(main)
'''
STAGES = {
    "first": {"cmd": "python program.py --params first --rows first.parquet", "params": ["first"]},
    "second": {
        "foreach": ["a", "b"],
        "do": {
            "cmd": "python program.py --params second --rows ${item}.parquet",
            "deps": ["first.parquet"],
            "params": ["second"],
            "outs": ["${item}.parquet"],
        },
    },
    "third": {
        "cmd": "python program.py --params third --rows third.parquet",
        "deps": ["a.parquet"],
        "params": ["third"],
        "outs": ["third.parquet"],
    },
}
STAGES["first"]["outs"] = ["first.parquet"]
ALL = Asked("1 1", ("dvc", "repro"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("run")
    (place / "program.py").write_text(PROGRAM)
    (place / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    planning = executions.ONE_OF_EACH["planning"] | {"stage_seconds": {"usual": 600}}
    (place / "execution.yaml").write_text(yaml.safe_dump(executions.ONE_OF_EACH | {"planning": planning}))
    write_params(place)
    dvc(place, "init", "-q", "--no-scm")
    return place


def write_params(place, **numbers):
    sections = {name: {"n": numbers.get(name, 1)} for name in STAGES}
    (place / "params.yaml").write_text(yaml.safe_dump(sections))


def dvc(place, *words):
    environment = os.environ | {
        "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",  # noqa: PTH120 (a search path)
        "PYTHONPATH": str(ROOT),
        "DVC_SITE_CACHE_DIR": str(place.parent / "site"),
    }
    done = subprocess.run(
        ["dvc", *words], cwd=place, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.fixture(scope="module")
def first_run(folder):
    return dvc(folder, "repro")


def said_by_stages(text):
    return [line.partition(" ")[2] for line in text.splitlines() if re.match(r"\d\d:\d\d:\d\d ", line)]


def test_each_stage_says_its_place_and_the_last_one_the_whole(first_run):
    lines = said_by_stages(first_run)
    begun = [line for line in lines if " stage " in line]
    assert begun[0] == "1/4 first stage 1 of 4, about 40 min left"
    assert [line.partition(",")[0] for line in begun[1:]] == [
        "2/4 second@a stage 2 of 4",
        "3/4 second@b stage 3 of 4",
        "4/4 third stage 4 of 4",
    ]
    assert re.fullmatch(r"4/4 third the whole run took \d+ s: 4 stages ran", lines[-1])
    assert all(re.match(r"\d/4 (first|second@[ab]|third) ", line) for line in lines)


def test_what_stays_as_it_was_is_counted_and_a_run_of_nothing_says_nothing(folder, first_run):
    write_params(folder, third=2)
    lines = said_by_stages(dvc(folder, "repro"))
    assert re.fullmatch(r"4/4 third stage 4 of 4(, about \d+ s left)?", lines[0])
    assert re.fullmatch(r"4/4 third the whole run took \d+ s: 1 stages ran, 3 as they were", lines[-1])
    assert said_by_stages(dvc(folder, "repro")) == []


def test_quiet_dvc_has_quiet_stages(folder, first_run):
    write_params(folder, third=3)
    assert dvc(folder, "repro", "-q") == ""


@pytest.mark.parametrize(
    ("words", "stage", "place"),
    [
        (("repro", "second@b"), "second@b", (2, 2)),
        (("repro", "second"), "second@b", (2, 3)),  # the other one may come before or after
        (("repro", "-s", "third"), "third", (1, 1)),
        (("repro", "third"), "second@b", (3, 4)),  # not named, but it runs: it counts as part of the run
    ],
)
def test_stages_that_were_not_asked_for_do_not_count(folder, first_run, words, stage, place):
    whole = enter(stage, Asked("2 1", ("dvc", *words)), {}, folder)
    assert (whole.place, whole.of) == place


def test_what_never_ran_here_is_scaled_by_what_did(folder, first_run):
    notes = (folder / NOTES).read_bytes()
    measured = {"first": 10.0, "third": 30.0}
    (folder / NOTES).unlink()
    enter("first", ALL, measured, folder)
    leave("first", 20.0, 31.5, folder)
    whole = enter("second@a", ALL, measured, folder)
    assert whole.ahead == ("second@b", "third")
    assert whole.took == {"third": 60.0}
    assert whole.left(5.0) == 60.0
    (folder / NOTES).write_bytes(notes)


@pytest.mark.parametrize("damage", [b"", b"{}", b'{"steps": 3}', b"\xff"])
def test_damaged_notes_cost_nothing_but_the_time(folder, first_run, damage):
    (folder / NOTES).write_bytes(damage)
    assert str(enter("first", ALL, {}, folder)) == "stage 1 of 4"


def test_a_stage_that_dvc_does_not_know_has_no_place(folder, first_run):
    assert enter("fourth", ALL, {}, folder) is None


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (89.0, "89 s"), (100, "2 min"), (3600, "60 min"), (7500, "2 h 5 min")],
)
def test_durations_are_said_as_people_say_them(seconds, said):
    assert duration(seconds) == said
