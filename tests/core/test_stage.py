"""What the user can mend ends in one line and exit status 1, a budget in 3; nothing half-written stays."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

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


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "double.py").write_text(STAGE)
    return tmp_path


def run_stage(folder, params, *flags):
    if params is not None:
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


@pytest.mark.parametrize(
    ("params", "status", "line"),
    [
        (None, 1, "params.yaml does not exist"),
        ("double: {number: [", 1, "params.yaml is not YAML"),
        ("other: {}", 1, "params.yaml has no section 'double'; its sections are other"),
        ("double: {number: two, rate: 1}", 1, "double.number: Input should be a valid integer"),
        ("double: {numbr: 2, number: 2, rate: 1}", 1, "double.numbr: Extra inputs are not permitted"),
        ("double: {number: 2}", 1, "double.rate: Field required"),
        ("double: {number: 3, rate: 1}", 3, "spent 1 USD; the budget is 1"),
        ("double: {number: 4, rate: 1}", 1, "the disk is full at some/file"),
    ],
)
def test_what_the_user_can_mend_is_one_line(folder, params, status, line):
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
    """Processes of the stage that work in a folder."""
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
