"""An error that a user can fix gives one line and exit status 1, a budget 3; nothing half-written remains."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import polars as pl
import pytest
import yaml

from tests import executions

ROOT = Path(__file__).parents[2]

STAGE = '''
"""Double the number."""
from pathlib import Path
import dataframely as dy
import polars as pl
from jz3.core.artifacts import Out
from jz3.core.errors import BudgetReached
from jz3.core.params import Params
from jz3.core.stage import run
class Row(dy.Schema):
    n = dy.Int64(primary_key=True)
class DoubleParams(Params):
    number: int
    rate: float
def main(params: DoubleParams, rows: Out[Row]) -> None:
    if params.number == 3:
        raise BudgetReached("spent 1 USD; the budget is 1. Raise it")
    if params.number == 4:
        raise OSError(28, "No space left on device", "some/file")
    rows.write(pl.DataFrame({"n": [2 * params.number, int(params.rate * 1e6)]}))
if __name__ == "__main__":
    run(main)
'''


LOSING = '''
"""Keep some rows."""
import os
import signal
import time
from pathlib import Path
import dataframely as dy
import polars as pl
from pydantic import BaseModel
from jz3.core.artifacts import In, Metrics, Out, OutDir
from jz3.core.params import Params
from jz3.core.stage import run
class Row(dy.Schema):
    n = dy.Int64(primary_key=True)
class Reject(dy.Schema):
    row_id = dy.String(primary_key=True)
    rule = dy.String()
    evidence = dy.String()
class LosingParams(Params):
    odd: int
    unchosen: int
    failed: int
    sleep: float
class LosingMetrics(BaseModel):
    rows: dict
def main(
    params: LosingParams, given: In[Row], rows: Out[Row], rejects: Out[Reject], metrics: Metrics
) -> None:
    if params.sleep:
        Path("started").touch()
        time.sleep(params.sleep)
    kept = 100 - params.odd - params.unchosen - params.failed
    rows.write(pl.DataFrame({"n": range(kept)}, schema={"n": pl.Int64}))
    lost = [(f"row-{n:03}", "losing.odd", f"{n} is\\n odd \\x1b[2J") for n in range(params.odd)]
    rejects.write(pl.DataFrame(lost, schema=Reject.create_empty().schema, orient="row"))
    rules = {"losing.odd": params.odd, "losing.unchosen": params.unchosen}
    rejected = {rule: n for rule, n in rules.items() if n}
    account = {"read": 100, "kept": kept, "rejected": rejected, "failed": params.failed}
    metrics.write(LosingMetrics(rows=account))
if __name__ == "__main__":
    run(main)
'''
LOSING_FLAGS = ("--given", "in.parquet", "--rows", "out/rows", "--rejects", "out/rejects.parquet")
LOSING_FLAGS += ("--metrics", "out/losing.json")


@pytest.fixture
def losing(tmp_path):
    """A stage that reads 100 rows, with the shares at which it warns and stops."""
    (tmp_path / "losing.py").write_text(LOSING)
    pl.DataFrame({"n": [1]}).write_parquet(tmp_path / "in.parquet")

    def run(*flags, wait=True, told=signal.SIGINT, **params):
        chosen = {"usual": {"warn": 0.1, "stop": 0.5}, "stages": {}, "chosen": ["losing.unch*"]}
        document = {
            "losing": {"odd": 0, "unchosen": 0, "failed": 0, "sleep": 0} | params,
        }
        execution = executions.ONE_OF_EACH | {"losses": chosen}
        (tmp_path / "execution.yaml").write_text(yaml.safe_dump(execution))
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(document))
        running = subprocess.Popen(
            [sys.executable, "losing.py", *(flags or LOSING_FLAGS)],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        if not wait:
            wait_until(lambda: (tmp_path / "started").exists())
            running.send_signal(told)
        said = running.communicate(timeout=60)[1].strip()
        return running.returncode, said, tmp_path

    return run


SEEDED = '''
"""Say what it is given."""
import dataframely as dy
import polars as pl
from jz3.core.artifacts import Out
from jz3.core.budget import TrainingTokens
from jz3.core.params import Seed, Share
from jz3.core.stage import run
class Row(dy.Schema):
    n = dy.Float64(primary_key=True)
def main(training_tokens: TrainingTokens, seed: Seed, share: Share, rows: Out[Row]) -> None:
    rows.write(pl.DataFrame({"n": [float(training_tokens or 0), float(seed), share]}))
if __name__ == "__main__":
    run(main)
'''


@pytest.mark.parametrize(
    ("budget", "flags", "expected"),
    [
        ({"training_tokens": 5, "teacher_tokens": None}, ("7", "0.5"), [0.5, 5.0, 7.0]),
        ({"training_tokens": 5, "teacher_tokens": None}, ("7", "1.5"), "--share: Input should be less"),
        ({"training_tokens": 0, "teacher_tokens": None}, ("7", "0.5"), "budget.training_tokens: Input"),
    ],
)
def test_a_budget_and_numbers_of_the_graph_reach_the_stage_or_are_refused(tmp_path, budget, flags, expected):
    (tmp_path / "seeded.py").write_text(SEEDED)
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"budget": budget}))
    said = subprocess.run(
        [sys.executable, "seeded.py", "--seed", flags[0], "--share", flags[1], "--rows", "out.parquet"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    if isinstance(expected, str):
        assert said.returncode in (1, 2)
        assert expected in said.stderr
    else:
        assert pl.read_parquet(tmp_path / "out.parquet")["n"].sort().to_list() == expected


def test_a_stage_ends_with_the_account_of_its_rows(losing):
    status, said, _ = losing(odd=7, unchosen=60, failed=2)
    assert status == 0
    assert said.endswith("s: read 100, kept 31, rejected 67 (losing.unchosen 60, losing.odd 7), failed 2"), (
        said
    )
    assert len(said.splitlines()) == 1, "what is chosen away is no loss"


def test_a_stage_that_loses_more_than_usual_warns_with_an_example(losing):
    status, said, folder = losing(odd=10, failed=2)
    first, _ = said.splitlines()
    assert status == 0
    assert "12.0% of the rows were rejected or failed, most by losing.odd (10), such as row row-000" in first
    assert (folder / "out/rows/manifest.json").exists()


def test_a_stage_that_loses_too_much_stops_and_leaves_nothing(losing):
    status, said, folder = losing(odd=40, failed=11)
    assert status == 1
    assert len(said.splitlines()) == 1
    assert "most by losing.odd (40), such as row row-000: 0 is odd �[2J" in said
    assert "at most 50.0% was expected" in said
    assert not list((folder / "out").iterdir())


@pytest.mark.parametrize("place", ["rows", "rejects", "metrics"])
def test_a_folder_of_a_user_at_any_output_is_found_before_any_work(losing, tmp_path, place):
    at = LOSING_FLAGS.index(f"--{place}") + 1
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    status, said, _ = losing(*LOSING_FLAGS[:at], "mine", *LOSING_FLAGS[at + 1 :], sleep=60)
    assert (status, len(said.splitlines())) == (1, 1)
    assert "jz3 did not make it" in said
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


@pytest.mark.parametrize(
    "flags",
    [
        ("--given", "in.parquet", "--rows", "in.parquet", *LOSING_FLAGS[4:]),
        ("--given", "in.parquet", "--rows", "out", *LOSING_FLAGS[4:]),
        (*LOSING_FLAGS[:4], "--rejects", "out/rows/x.parquet", *LOSING_FLAGS[6:]),
    ],
)
def test_an_output_at_the_place_of_another_path_of_the_stage_is_refused(losing, flags):
    status, said, folder = losing(*flags)
    assert (status, len(said.splitlines())) == (1, 1)
    assert "separate paths were expected" in said
    assert sorted(path.name for path in folder.iterdir()) == [
        "execution.yaml",
        "in.parquet",
        "losing.py",
        "params.yaml",
    ]


def test_ctrl_c_is_one_line_and_status_130(losing):
    status, said, folder = losing(wait=False, sleep=60)
    assert status == 130
    assert len(said.splitlines()) == 1, said
    assert "interrupted; no output was left half written. To go on, run `dvc repro` again" in said
    assert not (folder / "out").exists()


def test_sigterm_is_as_ctrl_c_for_a_stage_whose_dvc_was_kept_from_it(losing):
    """A job of `jz3 slurm` ignores the signal before it starts DVC, and the stage inherits that."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        status, said, folder = losing(wait=False, told=signal.SIGTERM, sleep=10)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert status == 130, said
    assert "interrupted; no output was left half written" in said
    assert not (folder / "out").exists()


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "double.py").write_text(STAGE)
    return tmp_path


def run_stage(folder, params, *flags):
    (folder / "params.yaml").write_text(textwrap.dedent(params))
    return subprocess.run(
        [sys.executable, "double.py", *(flags or ("--rows", "out/rows.parquet"))],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_stage_writes_its_table_and_reads_numbers_that_yaml_takes_for_text(folder):
    done = run_stage(folder, "double: {number: 2, rate: 3e-06}")
    assert done.returncode == 0, done.stderr
    assert (folder / "out" / "rows.parquet").exists()


def test_no_stage_asks_the_hub_whatever_the_environment_says(folder, monkeypatch):
    """Libraries use it for more than files; they read the variable when they are imported."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    looking = "from huggingface_hub import constants; assert constants.is_offline_mode(); rows.write("
    (folder / "double.py").write_text(STAGE.replace("rows.write(", looking))
    done = run_stage(folder, "double: {number: 2, rate: 3e-06}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("params", "status", "line"),
    [
        ("double: {number: two, rate: 1}", 1, "double.number: Input should be a valid integer"),
        ("double: {number: 3, rate: 1}", 3, "spent 1 USD; the budget is 1"),
        ("double: {number: 4, rate: 1}", 1, "the disk is full at some/file"),
    ],
)
def test_what_the_user_can_mend_is_one_line(folder, params, status, line):
    """Other mistakes in params.yaml are those of tests/core/test_params_file.py."""
    done = run_stage(folder, params)
    assert done.returncode == status
    assert line in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not (folder / "out" / "rows.parquet").exists()


def test_wrong_usage_is_status_2(folder):
    assert run_stage(folder, "double: {number: 2, rate: 1}", "--row", "x").returncode == 2


def test_a_stage_ends_with_the_process_that_started_it_through_a_shell(folder):
    waiting = STAGE.replace(
        "rows.write(", "import time; Path('started').touch(); time.sleep(60); rows.write("
    )
    (folder / "double.py").write_text(waiting)
    (folder / "params.yaml").write_text("double: {number: 2, rate: 1}")
    starter = (
        "import subprocess, sys; "
        "subprocess.run(f'{sys.executable} double.py --rows out/rows.parquet; true', shell=True)"
    )
    runner = subprocess.Popen(
        [sys.executable, "-c", starter], cwd=folder, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    wait_until(lambda: (folder / "started").exists())
    stages = pids_in(folder)
    assert len(stages) >= 1
    runner.send_signal(signal.SIGKILL)
    runner.wait()
    wait_until(lambda: not pids_in(folder))
    assert not (folder / "out").exists()


def pids_in(folder):
    """Processes of the stage that have a folder as working directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").resolve() == folder and b"double.py" in (process / "cmdline").read_bytes():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def wait_until(holds, seconds=20.0):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def test_help_says_what_is_read_and_what_is_written(losing, tmp_path):
    said = subprocess.run(
        [sys.executable, "losing.py", "--help"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "--given GIVEN      read: Row\n" in said
    assert "--rejects REJECTS  written: Reject\n" in said
    assert "--metrics METRICS  written: Metrics\n" in said
