"""Job files for Slurm: one for each stage, and a script that submits them in the order of the graph.

A job is a stage of the same clone. Five minutes before its time is up, Slurm signals the job's shell
(SIGUSR1), which tells the stage to end (SIGTERM): a training writes a checkpoint of the current step, and
finished rows are in the row store. Then the job is queued again and continues from there. Account and
partition are set by sbatch's own variables (SBATCH_ACCOUNT, SBATCH_PARTITION).
"""

import shlex
from pathlib import Path

from jz3.core.errors import UserError
from jz3.core.execution import EXECUTION_FILE, load_execution
from jz3.core.graph_file import Graph, Stage, read_graph
from jz3.core.params import PARAMS_FILE, read_sections
from jz3.core.placing import make_folder
from jz3.graph.needs import Needs, needs_of

SUBMIT = "submit.sh"
LEAD_S = 300
"""Seconds before the end at which a job is signalled (chosen: a step of seconds, and a checkpoint of 100 GB
at 1 GB/s)."""

JOB = r"""#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes={nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --cpus-per-task={cores}
{gpus}#SBATCH --time={hours}:00:00
#SBATCH --signal=B:USR1@{lead}
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output={name}-%j.log
# {what}
set -u
cd {root}
. .venv/bin/activate
# DVC leaves both signals alone; the stage takes SIGTERM by itself.
(trap '' TERM USR1; exec dvc --wait-for-lock repro --single-item {stage}) &
run=$!
asked=no
trap 'asked=yes; trap "" TERM; kill -TERM 0' USR1
status=0
wait "$run" || status=$?
while kill -0 "$run" 2>/dev/null; do
    status=0
    wait "$run" || status=$?
done
if [ "$asked" = yes ] && [ "$status" -ne 0 ]; then
    exec scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
"""
SUBMITTING = r"""#!/bin/bash
# Each stage after those that it reads from; a stage that is up to date ends at once.
set -euo pipefail
cd "$(dirname "$0")"
submit() {
    local id
    id=$(sbatch --parsable --kill-on-invalid-dep=yes "$@")
    echo "${id%%;*}"
}
"""


class SlurmError(UserError):
    """Job files cannot be written."""


def write_jobs(root: Path, directory: Path, hours: int) -> list[Path]:
    """Write the files and the script that submits them; return their paths, upstream first. Raises
    SlurmError.
    """
    if directory.exists() and any(directory.iterdir()):
        raise SlurmError(f"{directory} is not empty; a new or empty folder was expected. Name another.")
    make_folder(directory)
    files: list[Path] = []
    for name, text in job_files(root, hours).items():
        files.append(directory / name)
        files[-1].write_text(text)
    (directory / SUBMIT).chmod(0o755)
    return files


def job_files(root: Path, hours: int) -> dict[str, str]:
    """Texts by file name; the last file submits the others."""
    graph, execution = read_graph(root), load_execution(root / EXECUTION_FILE)
    sections = read_sections(root / PARAMS_FILE)
    stages = graph.ordered()
    jobs = {_file(stage): _job(root, stage, needs_of(stage, sections, execution), hours) for stage in stages}
    return {**jobs, SUBMIT: SUBMITTING + "".join(_submitted(graph, stage) for stage in stages)}


def _job(root: Path, stage: Stage, needs: Needs, hours: int) -> str:
    return JOB.format(
        name=_name(stage),
        nodes=needs.nodes,
        cores=needs.cores,
        gpus=f"#SBATCH --gpus-per-node={needs.gpus}\n" if needs.gpus else "",
        hours=hours,
        lead=LEAD_S,
        what=" ".join(stage.desc.split()),
        root=shlex.quote(str(root.absolute())),
        stage=shlex.quote(stage.name),
    )


def _submitted(graph: Graph, stage: Stage) -> str:
    above = {writer.name: writer for path in stage.reads if (writer := graph.writer(path)) is not None}
    ids = "".join(f":${_variable(above[name])}" for name in sorted(above))
    after = f"--dependency=afterok{ids} " if ids else ""
    return f"{_variable(stage)}=$(submit {after}{_file(stage)})\n"


def _name(stage: Stage) -> str:
    return f"jz3-{stage.name.replace('@', '-')}"


def _file(stage: Stage) -> str:
    return f"{stage.name.replace('@', '-')}.sbatch"


def _variable(stage: Stage) -> str:
    return "job_" + "".join(letter if letter.isalnum() else "_" for letter in stage.name)
