"""Starts the ranks of a training under DeepSpeed, waits for them, and checks what they left.

The stage stays one process. It writes the job into its directory, starts the ranks (torchrun on one machine,
DeepSpeed's own launcher with a host file) and reads what the first rank left. All machines see the same
files. Weights stay in float32 and are shared out by ZeRO; bf16 is autocast, as on one process, so that both
train alike.
"""

import logging
import os
import subprocess
import sys
from pathlib import Path

from jz3.core.errors import UserError
from jz3.lm.checkpoints import step_of
from jz3.lm.preemption import Asked, Preempted, told_of_preemption
from jz3.training import rank
from jz3.training.job import LOSS, STAGE, Job, checkpoints_of

log = logging.getLogger(__name__)


class RankError(UserError):
    """The ranks of a training did not finish."""


def run_ranks(job: Job) -> None:
    """Start the ranks and wait.

    Raises RankError where they cannot share out the optimizer, or did not leave losses and all kept weights.
    """
    if job.optimizer.muon:
        raise RankError(
            f"optimizer.muon needs whole matrices, which {job.execution.ranks} ranks share out under ZeRO; "
            f"AdamW was expected. Set muon to null, or execution.yaml:ranks to 1."
        )
    left = [job.directory / LOSS, *map(job.weights, job.keep)]
    left[0].unlink(missing_ok=True)
    environment = os.environ | {
        "OMP_NUM_THREADS": str(job.execution.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]),
        STAGE: str(os.getpid()),
    }
    asked = Asked(job.directory)
    asked.look(of_ranks=True)  # of an earlier run
    with told_of_preemption(asked, by_file=True):
        ended = subprocess.run(_command(job), env=environment, check=False)
    missing = [file.name for file in left if not file.exists()]
    if missing and asked.to_end:
        checkpoint = checkpoints_of(job).latest()
        raise Preempted(job.what, step_of(checkpoint) if checkpoint else 0, job.keep[-1])
    if missing:
        raise RankError(
            f"the ranks of {job.what} ended with status {ended.returncode} and left no {missing[0]}; "
            f"{job.execution.ranks} ranks were to train it. Read their messages above; run it again to go on "
            f"from the last checkpoint."
        )
    if ended.returncode:  # ZeRO-3 aborts now and then while the interpreter is torn down
        log.info("the ranks ended with status %d after all was written and checked", ended.returncode)


def _command(job: Job) -> list[str]:
    of_a_rank = [rank.__name__, str(job.directory)]
    execution = job.execution
    if execution.hostfile is None:
        count = ["--nproc_per_node", str(execution.ranks)]
        return [sys.executable, "-m", "torch.distributed.run", "--standalone", *count, "-m", *of_a_rank]
    slots = _slots(Path(execution.hostfile))
    if slots != execution.ranks:
        raise RankError(
            f"{execution.hostfile} has {slots} slots; execution.yaml:ranks is {execution.ranks}. "
            f"Make them equal."
        )
    return [
        sys.executable,
        "-m",
        "deepspeed.launcher.runner",
        "--hostfile",
        execution.hostfile,
        "--module",
        *of_a_rank,
    ]


def _slots(hostfile: Path) -> int:
    try:
        lines = hostfile.read_text().splitlines()
        words = [line.split() for line in lines if line.strip() and not line.startswith("#")]
        return sum(int(word[1].removeprefix("slots=")) for word in words)
    except (OSError, ValueError, IndexError) as error:
        raise RankError(
            f"{hostfile} of execution.yaml:hostfile cannot be read ({error}); lines like `host slots=8` were "
            f"expected. Mend it, or set hostfile to null for one machine."
        ) from error
