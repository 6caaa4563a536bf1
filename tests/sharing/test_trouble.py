"""What goes wrong on one machine: kills, two runs at once, a full disk, lost state; and experiments."""

import csv
import os
import re
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml

from jz3.core.params import load_params
from jz3.training.finetune import FinetuneParams
from tests.sharing.conftest import jz3

pytestmark = pytest.mark.long

STAGE = "benchmarks"
"""A stage that runs for about two seconds."""


@contextmanager
def started(machine, *command, shell="/bin/sh"):
    """A command in the background that is over at the end of the block, one way or another; its output goes
    to `said.log`.
    """
    environment = {**machine.environment, "SHELL": shell}
    with (machine.path / "said.log").open("wb") as log:
        running = subprocess.Popen(
            command, cwd=machine.path, env=environment, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield running
    finally:
        running.kill()
        running.wait()


def parents():
    """The parent of each running process."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            found[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    return found


def stage_process(dvc):
    """The process that runs the stage for this dvc, once there is one: below it or below its shell, since
    some shells replace themselves by a single command and some do not.
    """
    for _ in range(2000):
        above = parents()
        for pid, parent in above.items():
            with suppress(OSError):
                command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if f"stages.{STAGE}".encode() in command and dvc in (parent, above.get(parent)):
                    return pid
        time.sleep(0.005)
    raise AssertionError("the stage did not start")


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def written(machine):
    """Every file that a stage may write, with its size and time."""
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns)
        for path in (machine.path / "data").rglob("*")
        if path.is_file()
    }


def locked(machine):
    """What DVC knows of each stage: the same as before a run, and so nothing is stale."""
    return yaml.load((machine.path / "dvc.lock").read_text(), yaml.CSafeLoader)


def ran(output):
    return set(re.findall(r"Running stage '([^']+)'", output))


@pytest.mark.parametrize(("delay", "shell"), [(0.0, "/bin/sh"), (0.5, "/bin/bash")])
def test_no_stage_writes_after_its_dvc_was_killed_and_the_next_run_ends_right(machine, delay, shell):
    wanted, known = (machine.path / "data/tasks/items.parquet").read_bytes(), locked(machine)
    with started(machine, "dvc", "repro", "-f", "-s", STAGE, shell=shell) as running:
        child = stage_process(running.pid)
        time.sleep(delay)
        os.kill(running.pid, signal.SIGKILL)
    for _ in range(600):  # an interpreter that is still starting notices it only once it has started
        if not alive(child):
            break
        time.sleep(0.05)
    assert not alive(child)
    before = written(machine)
    time.sleep(1)
    assert written(machine) == before
    machine.run("dvc", "repro", STAGE)
    assert (machine.path / "data/tasks/items.parquet").read_bytes() == wanted
    assert locked(machine) == known


def test_of_two_runs_at_once_the_second_says_that_it_is_busy_and_the_first_ends_right(machine):
    known = locked(machine)
    with started(machine, "dvc", "repro", "-f", "-s", STAGE) as first:
        stage_process(first.pid)
        code, stdout, stderr = machine.fails("dvc", "repro", "-f", "-s", STAGE)
        assert code == 255
        assert "is busy" in stdout + stderr
        assert first.wait(120) == 0, (machine.path / "said.log").read_text()
    assert locked(machine) == known


def test_lost_state_of_dvc_runs_nothing_again(machine):
    shutil.rmtree(machine.path / ".dvc/tmp")
    shutil.rmtree(machine.environment["DVC_SITE_CACHE_DIR"], ignore_errors=True)
    assert ran(machine.run("dvc", "repro", STAGE)) == set()


def test_a_full_disk_while_caching_is_said_and_once_there_is_room_the_next_run_ends_right(machine):
    """The cache is a file system of 8 kB in a mount namespace; afterwards the real one is back."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False).returncode:
        pytest.skip("no user namespaces here: a small file system cannot be mounted")
    known = locked(machine)
    mount = "mount -t tmpfs -o size=8k tmpfs .dvc/cache && dvc repro -f -s benchmarks"
    code, stdout, stderr = machine.fails("unshare", "-rm", "sh", "-c", mount)
    assert code == 255
    assert "No space left on device" in stdout + stderr
    machine.run("dvc", "repro", STAGE)
    assert locked(machine) == known
    assert "0 damaged" in machine.run(*jz3("verify"))


def test_a_number_that_dvc_writes_as_text_is_read_as_a_number(machine):
    changes = ("decontaminate.short_ngram_coverage=9e-01", "finetune.initial.optimizer.learning_rate=3e-06")
    changed = [word for change in changes for word in ("-S", change)]
    output = machine.run("dvc", "exp", "run", *changed, "decontaminate@instruction")
    assert ran(output) == {"decontaminate@instruction"}
    params = machine.path / "params.yaml"
    assert "learning_rate: 3e-06" in params.read_text()
    assert load_params(FinetuneParams, "finetune.initial", params).optimizer.learning_rate == 0.000003


EXPERIMENT = re.compile(r"refs/exps/[0-9a-f]{2}/[0-9a-f]{38}/\S+$", re.MULTILINE)
"""The reference under which DVC leaves the result of an experiment."""


def test_two_workers_run_a_queue_of_experiments_each_with_its_own_result(machine):
    # A stage that compiles nothing: each experiment runs in a checkout without compiled code.
    machine.run("dvc", "exp", "run", "--queue", "-S", "compose.seed=10,12", "compose@initial")
    machine.run("dvc", "queue", "start", "-j", "2")
    for _ in range(600):  # DVC itself takes a second to tell
        refs = machine.run("git", "for-each-ref", "--format=%(refname)", "refs/exps")
        if len(EXPERIMENT.findall(refs)) == 2 or "celery/failed" in refs:
            break
        time.sleep(0.5)
    for _ in range(60):
        status = machine.run("dvc", "queue", "status")
        if "Queued" not in status and "Running" not in status:
            break
        time.sleep(2)
    assert status.count("Success") == 2, status
    head, *lines = csv.reader(machine.run("dvc", "exp", "show", "--csv").splitlines())
    assert {"10", "12"} <= {dict(zip(head, line, strict=True))["compose.seed"] for line in lines}


def test_a_temporary_experiment_finds_the_same_row_store_and_asks_for_nothing_again(machine):
    machine.run("dvc", "repro", "distill@initial")
    store = Path(machine.environment["JZ3_STORE"])
    before = {path: path.stat().st_size for path in store.rglob("*") if path.is_file()}
    assert sum(before.values()) > 0
    output = machine.run(
        "dvc", "exp", "run", "--temp", "-f", "-S", "execution.yaml:concurrency=2", "-s", "distill@initial"
    )
    assert ran(output) == {"distill@initial"}
    assert {path: path.stat().st_size for path in store.rglob("*.journal") if path.stat().st_size} == {
        path: size for path, size in before.items() if path.suffix == ".journal"
    }
