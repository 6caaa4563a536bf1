"""Ranks on several machines, simulated by agents of torchrun on loopback: they train as one process does.

Slurm is a program named srun that starts that many tasks on this machine and refuses arguments that are not
srun's.
"""

import json
import os
import socket
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from jz3.core.errors import UserError
from jz3.lm import launch
from tests import executions
from tests.training.test_sharding import agree, in_every_process
from tests.training.trainings import trained

OF_TWO = {"ranks": 2, "nodes": 2, "rendezvous_host": "127.0.0.1"}
NOTES_ITS_NODE = """
import json, os
if "RANK" in os.environ:
    names = ("RANK", "GROUP_RANK", "LOCAL_WORLD_SIZE", "WORLD_SIZE", "OMP_NUM_THREADS", "HF_HOME",
             "CUDA_VISIBLE_DEVICES", "JZ3_STORE", "TOKENIZERS_PARALLELISM", "MASTER_ADDR")
    with open(os.path.join(os.environ["JZ3_TEST_NODES"], os.environ["RANK"]), "w") as file:
        json.dump({name: os.environ.get(name) for name in names}, file)
"""
SRUN = """#!{python}
import argparse, os, subprocess, sys
parser = argparse.ArgumentParser()
for option in ("export", "kill-on-bad-exit", "nodes", "ntasks", "ntasks-per-node", "cpus-per-task"):
    parser.add_argument("--" + option)
parser.add_argument("command", nargs=argparse.REMAINDER)
asked = parser.parse_args()
assert asked.nodes == asked.ntasks == "2" and asked.ntasks_per_node == "1" and asked.cpus_per_task == "4"
of_nodes = [os.environ | {{"SLURM_NODEID": str(number)}} for number in range(int(asked.ntasks))]
tasks = [subprocess.Popen(asked.command, env=one) for one in of_nodes]
sys.exit(max(task.wait() for task in tasks))
"""


@pytest.fixture
def of_machines(root, monkeypatch):
    """The root of trainings whose ranks note where they run."""
    (root / "nodes").mkdir()
    monkeypatch.setenv("JZ3_TEST_NODES", str(root / "nodes"))
    monkeypatch.setenv("HF_HOME", "/shared/hub")
    in_every_process(root, monkeypatch, NOTES_ITS_NODE)
    return root


def noted(root, ranks=2):
    return [json.loads((root / "nodes" / str(rank)).read_text()) for rank in range(ranks)]


@contextmanager
def another_machine(root, store):
    """`jz3 join --once` in another folder, with an environment that says where the files are."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.environ["PYTHONPATH"] + os.pathsep + str(Path.cwd()),
        "JZ3_STORE": str(store),
        "CUDA_VISIBLE_DEVICES": "5",
    }
    command = [sys.executable, "-c", "from jz3.lm.launch import join_trainings; join_trainings(once=True)"]
    running = subprocess.Popen(command, cwd=root, env=environment)
    try:
        yield
        assert running.wait(60) == 0
    finally:
        running.kill()
        running.wait()


@pytest.mark.long
def test_two_machines_that_meet_train_as_one_process(of_machines, alone, own_store, monkeypatch):
    root = of_machines
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    with another_machine(root, own_store):
        agree(alone, trained(root, launcher="torchrun", **OF_TWO))
    ranks = noted(root)
    assert {rank["GROUP_RANK"] for rank in ranks} == {"0", "1"}
    assert {rank["LOCAL_WORLD_SIZE"] for rank in ranks} == {"1"}
    assert {rank["CUDA_VISIBLE_DEVICES"] for rank in ranks} == {"3", "5"}, "each machine has GPUs of its own"
    for name, value in {
        "OMP_NUM_THREADS": "1",
        "HF_HOME": "/shared/hub",
        "TOKENIZERS_PARALLELISM": "false",
    }.items():
        assert [rank[name] for rank in ranks] == [value] * 2
    assert {rank["JZ3_STORE"] for rank in ranks} == {str(own_store)}
    first = min(OF_TWO["rendezvous_host"], socket.getfqdn())  # torchrun identifies machines by their names
    assert {rank["MASTER_ADDR"] for rank in ranks} == {first}, "the address that the others were told"
    assert not list((own_store / launch.ANNOUNCED).iterdir()), "what is announced is taken back"


@pytest.mark.long
def test_slurm_starts_an_agent_on_each_machine_of_the_allocation(of_machines, alone, monkeypatch):
    """Under FSDP: each machine has all weights, sharded between its two ranks."""
    root = of_machines
    (root / "bin").mkdir()
    (root / "bin" / "srun").write_text(SRUN.format(python=sys.executable))
    (root / "bin" / "srun").chmod(0o755)
    monkeypatch.setenv("PATH", f"{root / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_JOB_ID", "17")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "4")
    agree(alone, trained(root, launcher="srun", sharding="fsdp", **(OF_TWO | {"ranks": 4})))
    assert sorted(rank["GROUP_RANK"] for rank in noted(root, 4)) == ["0", "0", "1", "1"]
    first = min(OF_TWO["rendezvous_host"], socket.getfqdn())
    assert {rank["MASTER_ADDR"] for rank in noted(root, 4)} == {first}, "of the network that was named"


@pytest.mark.parametrize(
    ("there", "job", "said"),
    [(False, "17", "there is no srun here"), (True, None, "SLURM_JOB_ID is not set")],
)
def test_outside_an_allocation_of_slurm_the_stage_says_what_it_needs(root, monkeypatch, there, job, said):
    """There srun would queue for machines of its own; here it would fail."""
    srun = root / "bin" / "srun"
    srun.parent.mkdir()
    if there:
        srun.write_text("#!/bin/sh\necho srun was called; exit 1\n")
        srun.chmod(0o755)
    monkeypatch.setenv("PATH", str(srun.parent))
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    if job:
        monkeypatch.setenv("SLURM_JOB_ID", job)
    with pytest.raises(UserError, match=rf"launcher is srun, and {said}; .*salloc --nodes 2 .*jz3 slurm"):
        trained(root, launcher="srun", **OF_TWO)


def test_the_first_machine_of_slurm_is_the_host_whatever_the_address_at_which_they_meet(tmp_path):
    """Torch finds no host by itself for the address of a second network."""
    (tmp_path / "agent").write_text('#!/bin/sh\necho "$PET_RDZV_CONF $PET_LOCAL_ADDR $*"\n')
    (tmp_path / "agent").chmod(0o755)
    command = [*launch._meeting_at("10.1.0.1"), str(tmp_path / "agent"), "of", "two words"]
    said = [
        subprocess.run(
            command, env={"SLURM_NODEID": node}, check=True, capture_output=True, text=True
        ).stdout.strip()
        for node in ("0", "1")
    ]
    assert said == [
        "is_host=1,join_timeout=3600,read_timeout=600 10.1.0.1 of two words",
        "is_host=0,join_timeout=3600,read_timeout=600  of two words",
    ]


def test_what_is_announced_is_for_this_user_alone_and_names_no_process(own_store, monkeypatch, tmp_path):
    monkeypatch.setenv("HF_TOKEN", "of the hub")
    monkeypatch.setenv("PYTORCH_ALLOC_CONF", "expandable_segments:True")
    monkeypatch.setenv("FI_PROVIDER", "efa")
    monkeypatch.setenv(launch.STAGE, "17")
    said = launch.Announcement(
        meeting="m", endpoint="a:1", nodes=2, ranks=1, module="x", directory=tmp_path / "d", folder=tmp_path,
        environment=launch._travelling(os.environ),
    )  # fmt: skip
    with launch._announced(said):
        (file,) = (own_store / launch.ANNOUNCED).iterdir()
        assert file.stat().st_mode & 0o777 == 0o600
        (found,) = launch._announcements()
        assert found == said
        assert found.environment["HF_TOKEN"] == "of the hub"
        assert found.environment["PYTORCH_ALLOC_CONF"] == "expandable_segments:True"
        assert found.environment["FI_PROVIDER"] == "efa"
        assert launch.STAGE not in found.environment
        assert "PATH" not in found.environment
    assert not launch._announcements()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"ranks": 3, "nodes": 2, "launcher": "srun"}, "3 ranks are not as many on each of 2 nodes"),
        ({"ranks": 2, "nodes": 2, "launcher": "local"}, "nodes is 2"),
    ],
)
def test_ranks_that_do_not_fit_the_machines_are_refused(asked, said):
    with pytest.raises((UserError, ValueError), match=said):
        executions.execution(**asked)
