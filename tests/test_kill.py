"""A killed run goes on where it was: the same bytes as a run that nobody killed."""

import os
import random
import signal
import subprocess
import time

import pytest
import yaml

from tests.conftest import make_clone

pytestmark = pytest.mark.long

SEED = 20261121
"""Of the moments at which the run is killed."""


def hashes(clone):
    """The outs of every stage with their hashes, as dvc.lock has them."""
    lock = yaml.safe_load((clone.path / "dvc.lock").read_text())
    return {
        (name, out["path"]): out["md5"] for name, stage in lock["stages"].items() for out in stage["outs"]
    }


def kill_after(clone, seconds):
    """Start `dvc repro` and kill -9 the dvc process alone; its stage must end with it."""
    with (clone.path / "killed.log").open("ab") as log:
        running = subprocess.Popen(
            ["dvc", "repro"], cwd=clone.path, env=clone.environment, stdout=log, stderr=log
        )
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        os.kill(running.pid, signal.SIGKILL)
        running.wait()
        return True
    return False


def test_a_run_killed_three_times_ends_with_the_same_bytes(whole_run, tmp_path):
    reference, _ = whole_run
    started = time.monotonic()
    clone = make_clone(tmp_path / "clone")
    moments = random.Random(SEED)
    killed = sum(kill_after(clone, moments.uniform(8, 45)) for _ in range(3))
    assert killed == 3, f"the run ended before it was killed, after {time.monotonic() - started:.0f} s"
    clone.run("dvc", "repro")
    assert hashes(clone) == hashes(reference)
