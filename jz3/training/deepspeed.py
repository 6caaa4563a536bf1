"""Ranks of a training under DeepSpeed: how they are configured, started, and ended.

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
from typing import Any

from jz3.core.errors import UserError
from jz3.core.parent import end_with_process
from jz3.training.job import LOSS, Job, read_job, train_job

log = logging.getLogger(__name__)

STAGE = "JZ3_STAGE_PID"
"""The process that ranks on the same machine end with."""


class RankError(UserError):
    """The ranks of a training did not finish."""


def zero_config(stage: int, precision: str, gradient_clip: float, accumulation: int) -> dict[str, Any]:
    """DeepSpeed's configuration. The optimizer is ours, a torch AdamW: nothing is compiled."""
    return {
        "train_micro_batch_size_per_gpu": 1,  # a piece: the blocks that go through the model together
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": gradient_clip,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "zero_optimization": {
            "stage": stage,
            "overlap_comm": False,
            "stage3_gather_16bit_weights_on_model_save": True,  # in the weights' own precision: float32
        },
        "torch_autocast": {"enabled": precision == "bf16", "dtype": "bfloat16"},
    }


def run_ranks(job: Job) -> None:
    """Start the ranks and wait.

    Raises RankError where they cannot share out the optimizer, or did not leave losses and all kept weights.
    """
    if job.optimizer.muon:
        raise RankError(
            f"optimizer.muon needs whole matrices, which {job.execution.ranks} ranks share out under ZeRO; "
            f"AdamW was expected. Set muon to null, or execution.ranks to 1."
        )
    left = [job.directory / LOSS, *map(job.weights, job.keep)]
    left[0].unlink(missing_ok=True)
    environment = os.environ | {
        "OMP_NUM_THREADS": str(job.execution.threads),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *filter(None, [os.environ.get("PYTHONPATH")])]),
        STAGE: str(os.getpid()),
    }
    ended = subprocess.run(_command(job), env=environment, check=False)
    missing = [file.name for file in left if not file.exists()]
    if missing:
        raise RankError(
            f"the ranks of {job.what} ended with status {ended.returncode} and left no {missing[0]}; "
            f"{job.execution.ranks} ranks were to train it. Read their messages above; run it again to go on "
            f"from the last checkpoint."
        )
    if ended.returncode:  # ZeRO-3 aborts now and then while the interpreter is torn down
        log.info("the ranks ended with status %d after all was written and checked", ended.returncode)


def _command(job: Job) -> list[str]:
    rank = ["jz3.training.deepspeed", str(job.directory)]
    execution = job.execution
    if execution.hostfile is None:
        count = ["--nproc_per_node", str(execution.ranks)]
        return [sys.executable, "-m", "torch.distributed.run", "--standalone", *count, "-m", *rank]
    slots = _slots(Path(execution.hostfile))
    if slots != execution.ranks:
        raise RankError(
            f"{execution.hostfile} has {slots} slots; execution.ranks is {execution.ranks}. Make them equal."
        )
    return [
        sys.executable,
        "-m",
        "deepspeed.launcher.runner",
        "--hostfile",
        execution.hostfile,
        "--module",
        *rank,
    ]


def _slots(hostfile: Path) -> int:
    try:
        lines = hostfile.read_text().splitlines()
        words = [line.split() for line in lines if line.strip() and not line.startswith("#")]
        return sum(int(word[1].removeprefix("slots=")) for word in words)
    except (OSError, ValueError, IndexError) as error:
        raise RankError(
            f"{hostfile} of execution.hostfile cannot be read ({error}); lines like `host slots=8` were "
            f"expected. Mend it, or set hostfile to null for one machine."
        ) from error


def main() -> None:
    """One rank: `python -m jz3.training.deepspeed DIRECTORY`, under a launcher."""
    import deepspeed.ops
    import torch

    from jz3.lm.trainer import pieces_of_a_step

    # Ranks on CPUs talk through gloo: DeepSpeed would compile an exchange of its own for a minute or two.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    if STAGE in os.environ:
        end_with_process(int(os.environ[STAGE]))
    logging.basicConfig(level=logging.WARNING)
    directory = next(Path(word) for word in sys.argv[1:] if not word.startswith("--local_rank"))
    job, blocks, plan = read_job(directory)
    ranks = int(os.environ["WORLD_SIZE"])
    pieces = pieces_of_a_step(plan, job.execution.training_batch, ranks)
    zero = zero_config(
        job.execution.zero, job.optimizer.precision, job.optimizer.gradient_clip, pieces // ranks
    )
    try:
        loss = train_job(job, blocks, plan, zero)
    except UserError as error:
        if os.environ["RANK"] == "0":
            print(f"{job.what}: {error}", file=sys.stderr)  # noqa: T201 (to the user, through the launcher)
        sys.exit(error.exit_status)
    if os.environ["RANK"] == "0":
        part = directory / (LOSS + ".part")
        loss.write_parquet(part)
        part.replace(directory / LOSS)
    torch.distributed.barrier()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # past the interpreter's teardown, in which ZeRO-3 aborts now and then


if __name__ == "__main__":
    main()
