"""Every stage that computes, asks, trains, reads raw files or packs passes the law of kills at every step.

Its outputs in the whole run are those of a run that nobody killed. In a copy of that run it starts from
nothing, dies in turn after each commit of rows and each checkpoint, then before or after an output takes its
place, and resumes.
"""

import importlib
import os
import pkgutil
import shlex
import shutil
import signal
import subprocess
import sys

import pytest
from dvc.repo import Repo

import jz3
import stages
from jz3.core.stage import Signature
from jz3.store.row_store import Operation
from tests.conftest import ROOT
from tests.same_after_kill import Place, assert_same_after_kill, contents, outs_of, run_stage
from tests.stage_folder import stage_folder

OPERATIONS = {
    "answer": {"generate"},
    "attribute": {"attribute"},
    "augment": {"chat"},
    "decontaminate": {"decontaminate"},
    "distill": {"chat"},
    "execute": {"execute"},
    "probe": {"generate"},
    "rds": {"rds"},
    "sketch": {"sketch"},
    "skills": {"chat"},
    "solve": {"generate"},
    "synthesize": {"generate"},
}
"""The operations under which each of these stages keeps rows in the row store."""
EVERY = 4
"""Commits at which a run is killed one by one; for a teacher's answers, a commit each, they get ever further
apart.
"""
TRAININGS = {"base", "finetune", "pretrain", "warmup"}
"""A training whose result is in place has no checkpoints left, and trains from the start: it is killed there
once, by the run that goes on from the last of its first `EVERY` checkpoints.
"""
LONGEST = "finetune"
"""A training that is killed just before its result takes its place, where its checkpoints are still there."""
ELSEWHERE = {"sent", "settled", "textless"}
"""Money that was promised and paid: tests/generation/test_asking.py kills a run that has a budget. Thoughts
without an answer: tests/generation/test_reasoning.py."""
BY_PROCESS = ("distill", "execute", "pack")
"""Stages killed once by kill -9, too: with calls in flight, with sandboxes, and with neither."""


def must_hold():
    """Stages that take `execution`, as those that cost something do; stages that read `raw` files; and the
    packer.
    """
    found = ["pack"]
    for module in pkgutil.iter_modules(stages.__path__):
        signature = Signature.of(importlib.import_module(f"stages.{module.name}").main)
        if signature.execution or "raw" in signature.artifacts:
            found.append(module.name)
    return sorted(found)


def declared():
    """Names of all operations of the package."""
    names = set()
    for module in pkgutil.walk_packages(jz3.__path__, "jz3."):
        source = ROOT / f"{module.name.replace('.', '/')}.py"
        if source.is_file() and "= Operation(" in source.read_text():
            values = vars(importlib.import_module(module.name)).values()
            names |= {value.name for value in values if isinstance(value, Operation)}
    return names


def test_every_operation_of_the_row_store_is_held_to_the_law():
    held = set().union(*OPERATIONS.values())
    assert declared() == held | ELSEWHERE
    assert set(OPERATIONS) <= set(must_hold())


@pytest.fixture(scope="module")
def copied(whole_run, tmp_path_factory):
    """A copy of the whole run's data, and the first command of each stage."""
    clone, _ = whole_run
    folder = stage_folder(tmp_path_factory.mktemp("copied"), profile=None, root=clone.path)
    shutil.copytree(clone.path / "data", folder / "data")
    commands = {}
    for stage in Repo(str(clone.path)).index.stages:
        commands.setdefault(stage.name.split("@")[0], stage.cmd)
    return folder, commands


def forget(folder, outs):
    for path in outs:
        lasting = folder / path
        shutil.rmtree(lasting) if lasting.is_dir() else lasting.unlink()


@pytest.mark.long
@pytest.mark.parametrize("stage", must_hold())
def test_a_stage_that_is_killed_at_every_step_leaves_the_same_bytes(stage, copied, tmp_path):
    folder, commands = copied
    command, store = commands[stage], tmp_path / "store"
    outs = outs_of(command)
    num_outs = 1 if stage in TRAININGS else len(outs)
    died = []

    def whole():
        expected = contents(folder, outs)
        forget(folder, outs)
        return expected

    def killed(kind):
        if kind == "process":
            place = Place("rows" if stage in OPERATIONS else "outs", 1)
            assert ended_by_kill(command, folder, store, place), "it ended first"
        elif kind == "rows":
            run_stage(command, folder, store, Place("rows", 1, before=True))
            number = 1
            while run_stage(command, folder, store, Place("rows", number)):
                died.append(kind)
                if len(died) >= EVERY:
                    if stage in TRAININGS:
                        break
                    number *= 2
        else:
            for number in range(1, num_outs + 1):
                before = number % 2 == 0 or stage == LONGEST
                assert run_stage(command, folder, store, Place("outs", number, before))

    def resumed():
        run_stage(command, folder, store)
        return contents(folder, outs)

    assert_same_after_kill(
        whole,
        killed,
        resumed,
        [*(["process"] if stage in BY_PROCESS else []), "rows", "outs"],
        lambda one, other: one == other,
    )
    kept = {path.name.partition("@")[0] for path in store.glob("*@*")}
    assert kept == OPERATIONS.get(stage, set())
    assert died or stage not in OPERATIONS
    left = [path for out in outs for path in (folder / out.parent).glob(f".{out.name}.jz3-*")]
    assert not left, "nothing half-written"


def ended_by_kill(command, folder, store, place):
    """Whether the stage, in a process of its own, was killed at the place."""
    words = [sys.executable, "-m", "tests.same_after_kill", str(place), *shlex.split(command)[2:]]
    environment = os.environ | {"JZ3_STORE": str(store), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr[-2000:]
    return done.returncode == -signal.SIGKILL
