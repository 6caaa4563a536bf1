"""One rank of a training under DeepSpeed: `python -m jz3.training.rank DIRECTORY`, under a launcher.

Weights stay in float32 and are shared out by ZeRO; bf16 is autocast, as on one process, so that both train
alike.
"""

import logging
import os
import sys
from pathlib import Path
from typing import Any

from jz3.core.errors import UserError
from jz3.core.parent import end_with_process
from jz3.training.job import LOSS, STAGE, read_job, train_job


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


def main() -> None:
    """Train, and leave the loss of each step where the stage looks for it (the first rank alone)."""
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
