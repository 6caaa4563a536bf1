"""kill -9 at any moment costs at most the batches in flight, and the output is the same byte for byte."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import polars as pl
import pytest

from jz3.core.artifacts import Out
from jz3.tables.prompt import Prompt
from tests.conftest import ROOT
from tests.generation.builders import tiny_model
from tests.synthesis.noting_stage import BATCH, noting_stage

pytestmark = pytest.mark.long

ROWS = 120
SEED = 20261121
"""Seed of the moments at which the stage is killed."""


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("inputs")
    tiny_model(folder / "model")
    rows = [
        {
            "prompt_id": f"prompt {n:03}",
            "passage_id": "passage",
            "source": "web",
            "level": "grade",
            "kind": "tool" if n % 3 == 0 else "cot",
            "full": f"write problem {n}" + "." * (n % 11),
            "compact": f"write {n}",
        }
        for n in range(ROWS)
    ]
    Out(Prompt, folder / "prompts.parquet").write(Prompt.cast(pl.DataFrame(rows)))
    return folder


def copied(inputs, folder):
    if not folder.exists():
        shutil.copytree(inputs, folder)
    return folder


def start(inputs, folder, workers):
    copied(inputs, folder)
    environment = os.environ | {
        "JZ3_STORE": str(folder / "store"),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "tests.synthesis.noting_stage", str(folder), str(workers)]
    with (folder / "log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def finish(inputs, folder):
    """One worker, which is this process: it need not load torch again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JZ3_STORE", str(folder / "store"))
        noting_stage(copied(inputs, folder), 1)


def computed(folder):
    """Seeds of the rows that engines computed, with their counts."""
    file = folder / "computed"
    return Counter(file.read_text().split()) if file.exists() else Counter()


def output(folder):
    return {
        str(file.relative_to(folder / "out")): file.read_bytes() for file in (folder / "out").rglob("*.*")
    }


@pytest.fixture(scope="module")
def reference(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference") / "run"
    finish(inputs, folder)
    assert set(computed(folder).values()) == {1}
    return output(folder)


def kill_in_the_middle(inputs, folder, workers, rows, extra_s):
    """Kill (-9) the whole process group some time after it has computed this many rows."""
    before = computed(folder).total()
    running = start(inputs, folder, workers)
    while computed(folder).total() < before + rows:
        assert running.poll() is None, (folder / "log").read_text()[-3000:]
        time.sleep(0.01)
    time.sleep(extra_s)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()


def test_three_kills_at_random_moments_change_no_byte(inputs, reference, tmp_path):
    """One after another, in each third of the rows."""
    moments = random.Random(SEED)
    folder, before = tmp_path / "run", Counter()
    for number in range(4):
        if number < 3:
            rows = moments.randrange(1, ROWS // 3 - BATCH)
            kill_in_the_middle(inputs, folder, 1, rows, moments.uniform(0, 0.15))
        else:
            finish(inputs, folder)
        now = computed(folder)
        again = now.total() - before.total() - (len(now) - len(before))
        assert 0 <= again <= BATCH, f"after {number} kills, {again} rows were computed twice"
        before = now
    assert len(before) == ROWS
    assert output(folder) == reference


def test_two_workers_leave_the_same_bytes_and_a_kill_costs_a_batch_of_each(inputs, reference, tmp_path):
    folder = tmp_path / "run"
    kill_in_the_middle(inputs, folder, 2, ROWS // 2, 0.0)
    running = start(inputs, folder, 2)
    assert running.wait(180) == 0, (folder / "log").read_text()[-3000:]
    assert output(folder) == reference
    assert computed(folder).total() - ROWS <= 2 * BATCH
