"""Job files for Slurm, each after those it reads from, and what a job does when it is told to stop."""

import os
import signal
import subprocess
import sys
import time

import pytest

from jz3.core.graph_file import read_graph
from jz3.graph.slurm import SUBMIT, SlurmError, job_files, write_jobs
from tests.conftest import ROOT, make_clone

GOLDEN = """\
#!/bin/bash
#SBATCH --job-name=jz3-finetune-initial
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task=64
#SBATCH --gpus-per-node=8
#SBATCH --time=12:00:00
#SBATCH --signal=B:USR1@300
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=jz3-finetune-initial-%j.log
"""


def test_each_stage_is_a_job_that_bash_can_read_after_those_it_reads_from(tmp_path):
    clone = make_clone(tmp_path / "clone", profile="paper").path
    graph, files = read_graph(clone), job_files(clone, 12)
    assert len(files) == len(graph.stages) + 1
    assert files["finetune-initial.sbatch"].startswith(GOLDEN)
    assert "--gpus-per-node" not in files["dedup-jiuzhang.sbatch"]
    assert "--gpus-per-node=8" in files["synthesize-corpus.sbatch"]
    for text in files.values():
        assert subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True).stderr == ""
    submitted = [line for line in files[SUBMIT].splitlines() if line.startswith("job_")]
    assert len(submitted) == len(graph.stages)
    known = set()
    for line in submitted:
        after = {part.strip() for part in line.partition("afterok:")[2].split(" ")[0].split(":$")} - {""}
        assert {name.removeprefix("$") for name in after} <= known, line
        known.add(line.partition("=")[0])
        assert "$job_code" in line or line.startswith("job_code="), "each rests on the list of its code"
    answer = next(line for line in submitted if line.startswith("job_answer_jiuzhang="))
    assert "$job_pretrain_jiuzhang" in answer


DVC = """#!{python}
import signal, subprocess, sys
assert sys.argv[1:4] == ["--wait-for-lock", "repro", "--single-item"]
stage = '''{stage}'''
sys.exit(255 if subprocess.run([sys.executable, "-c", stage]).returncode else 0)
"""


TRAINING = """
import signal, sys, time
def told(number, frame):
    open({noted!r}, "a").write("checkpoint ")
    sys.exit(143)
signal.signal(signal.SIGTERM, told)
open({noted!r}, "a").write("started ")
time.sleep(60)
"""
OTHER = """
import sys, time
sys.path.insert(0, {root!r})
from jz3.core.ending import ends_in_one_line, heed_sigterm
heed_sigterm()
with ends_in_one_line("synthesize", "run it again"):
    open({noted!r}, "a").write("started ")
    try:
        time.sleep(60)
    finally:
        open({noted!r}, "a").write("rows ")
"""


@pytest.mark.parametrize(("stage", "left"), [(TRAINING, "checkpoint"), (OTHER, "rows")])
def test_a_job_whose_time_is_up_ends_its_stage_and_is_queued_again(tmp_path, stage, left):
    noted, tools = tmp_path / "noted", tmp_path / "bin"
    tools.mkdir()
    activate = tmp_path / ".venv" / "bin"
    activate.mkdir(parents=True)
    (activate / "activate").write_text("")
    (tools / "dvc").write_text(
        DVC.format(python=sys.executable, stage=stage.format(noted=str(noted), root=str(ROOT)))
    )
    (tools / "scontrol").write_text(f'#!/bin/bash\necho -n "$*" >> {noted}\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    text = job_files(ROOT, 1)["dedup-jiuzhang.sbatch"].replace(str(ROOT), str(tmp_path))
    environment = {"PATH": f"{tools}{os.pathsep}{os.environ['PATH']}", "SLURM_JOB_ID": "17"}
    job = subprocess.Popen(["bash", "-c", text], env=environment, start_new_session=True)
    try:
        until = time.monotonic() + 60
        while not noted.exists() and time.monotonic() < until:
            time.sleep(0.05)
        job.send_signal(signal.SIGUSR1)
        assert job.wait(60) == 0
    finally:
        if job.poll() is None:
            os.killpg(job.pid, signal.SIGKILL)
    assert noted.read_text() == f"started {left} requeue 17"


def test_a_folder_with_files_is_refused(tmp_path):
    (tmp_path / "mine").write_text("")
    with pytest.raises(SlurmError, match="is not empty"):
        write_jobs(ROOT, tmp_path, 1)
