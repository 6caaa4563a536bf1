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
from tests.same_after_kill import assert_same_after_kill

pytestmark = pytest.mark.long

SEED = 20261121
"""Seed of the moments at which the run is killed."""
AGAIN = ("synthesize@candidates", "warmup", "execute@jiuzhang")
"""What runs again: completions, a training, programs. Everything else is as the whole run left it."""


def hashes(clone):
    """The outs of every stage with their hashes, from dvc.lock."""
    lock = yaml.safe_load((clone.path / "dvc.lock").read_text())
    return {
        (name, out["path"]): out["md5"] for name, stage in lock["stages"].items() for out in stage["outs"]
    }


def copied_without(reference, path):
    """The whole run as if AGAIN had not run: without its outs and what DVC and the store know about them."""
    shutil.copytree(reference.path, path, symlinks=True, ignore=shutil.ignore_patterns("runs"))
    clone = Clone(path)
    lock = yaml.safe_load((path / "dvc.lock").read_text())
    for name in AGAIN:
        for out in lock["stages"].pop(name)["outs"]:
            lasting = path / out["path"]
            shutil.rmtree(lasting) if lasting.is_dir() else lasting.unlink()
    (path / "dvc.lock").write_text(yaml.safe_dump(lock))
    return clone


def kill_during(clone, stage, seconds):
    """Start `dvc repro` and kill -9 the dvc process alone, some seconds after `stage` began."""
    log = clone.path / f"killed-{stage}.log"
    with log.open("wb") as written:
        running = subprocess.Popen(
            ["dvc", "repro"], cwd=clone.path, env=clone.environment, stdout=written, stderr=written
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
    moments = random.Random(SEED)

    def resumed():
        clone.run("dvc", "repro")
        return hashes(clone)

    assert_same_after_kill(
        lambda: hashes(reference),
        lambda stage: kill_during(clone, stage, moments.uniform(1, 5)),
        resumed,
        AGAIN,
        lambda one, other: one == other,
    )
