"""A killed run resumes where it was, with the same bytes as a run that nobody killed.

`tests/test_kill_stages.py` kills each stage at every step; this kills `dvc` itself, while stages run.
"""

import os
import random
import shutil
import signal
import subprocess
import time

import pytest
import yaml

from tests.conftest import Clone
from tests.forgetting import forget_all_but, forget_stages
from tests.same_after_kill import assert_same_after_kill

pytestmark = pytest.mark.long

SEED = 20261121
"""Seed of the moments at which the run is killed."""
AGAIN = ("synthesize@candidates", "warmup", "execute@jiuzhang")
"""What runs again: completions, a training, programs. What they read from is as the whole run left it."""


def hashes(clone):
    """The outs of every stage with their hashes, from dvc.lock."""
    lock = yaml.load((clone.path / "dvc.lock").read_text(), yaml.CSafeLoader)
    return {
        (name, out["path"]): out["md5"] for name, stage in lock["stages"].items() for out in stage["outs"]
    }


def copied_without(reference, path):
    """What AGAIN reads from, as if AGAIN had not run: neither DVC nor the store knows about its outs."""
    shutil.copytree(reference.path, path, symlinks=True)
    forget_all_but(path, AGAIN)
    forget_stages(path, AGAIN)
    return Clone(path)


def kill_during(clone, stage, seconds):
    """Start `dvc repro` and kill -9 the dvc process alone, some seconds after `stage` began."""
    log = clone.path / f"killed-{stage}.log"
    with log.open("wb") as written:
        running = subprocess.Popen(
            ["dvc", "repro", *AGAIN], cwd=clone.path, env=clone.environment, stdout=written, stderr=written
        )
    while f"Running stage '{stage}'" not in log.read_text():
        assert running.poll() is None, log.read_text()[-2000:]
        time.sleep(0.1)
    time.sleep(seconds)
    assert running.poll() is None, f"the run ended before it was killed: {log.read_text()[-2000:]}"
    os.kill(running.pid, signal.SIGKILL)
    running.wait()


def test_a_run_killed_three_times_ends_with_the_same_bytes(whole_run, tmp_path):
    reference, _ = whole_run
    clone = copied_without(reference, tmp_path / "clone")
    kept = {name for name, _ in hashes(clone)} | {*AGAIN}
    moments = random.Random(SEED)

    def resumed():
        clone.run("dvc", "repro", *AGAIN)
        return hashes(clone)

    assert_same_after_kill(
        lambda: {out: md5 for out, md5 in hashes(reference).items() if out[0] in kept},
        lambda stage: kill_during(clone, stage, moments.uniform(1, 5)),
        resumed,
        AGAIN,
        lambda one, other: one == other,
    )
