"""One rank of a training, under a launcher: what it shares with the others, and how it ends.

Weights stay in float32. bf16 is autocast, as in a single process, so that both train alike; under FSDP2
layers are gathered in bf16.
"""

import logging
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import polars as pl

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.parent import end_with_process
from jz3.lm.launch import STAGE
from jz3.lm.plan import OptimizerParams


@dataclass(frozen=True)
class Rank:
    """What a process, one of `count` ranks, divides with the others."""

    count: int
    zero: dict[str, Any] | None = None
    """DeepSpeed's configuration, if ZeRO is used."""
    fsdp: bool = False
    """Whether weights are shards of FSDP2 (`jz3.lm.sharded`). With neither, each rank has the whole model,
    and the ranks average their gradients (DistributedDataParallel), which is enough for an adapter.
    """


def trains_alone(execution: Execution, optimizer: OptimizerParams, *, all_weights: bool) -> bool:
    """Whether a training takes place in the stage's own process: with one rank, unless that is one of FSDP2,
    which computes in bf16 without autocast. An adapter, and Muon, are not for shards.
    """
    return execution.ranks == 1 and not (
        execution.sharding == "fsdp" and all_weights and optimizer.muon is None
    )


def rank_under(execution: Execution, optimizer: OptimizerParams, count: int, pieces: int) -> Rank:
    """The rank of this process under `execution.sharding`, if a step has `pieces` pieces."""
    if execution.sharding == "none":
        return Rank(count)
    if execution.sharding == "fsdp":
        return Rank(count, fsdp=True)
    return Rank(count, zero=_zero_config(execution, optimizer, pieces // count))


def _zero_config(execution: Execution, optimizer: OptimizerParams, accumulation: int) -> dict[str, Any]:
    """DeepSpeed's configuration. The optimizer is torch's AdamW, so DeepSpeed compiles nothing."""
    import deepspeed.ops

    # Ranks on CPUs communicate by gloo: DeepSpeed would spend minutes compiling its own exchange.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    stage = int(execution.sharding.removeprefix("zero"))
    return {
        "train_micro_batch_size_per_gpu": 1,  # a piece: the blocks that go through the model together
        "gradient_accumulation_steps": accumulation,
        "gradient_clipping": optimizer.gradient_clip,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "zero_optimization": {
            "stage": stage,
            # Stage 3 gathers weights and exchanges gradients beside the computation, as DeepSpeed does by
            # itself; a CPU has no streams for it. Below stage 3, DeepSpeed 0.19.8 does not keep the memory of
            # a gradient that is larger than a bucket (embeddings of 150,000 tokens) until it is exchanged:
            # another tensor may be written into it, and nothing says so. Overlap would also take a second
            # bucket for each number format, 4 GB in bf16.
            "overlap_comm": stage == 3 and execution.device == "cuda",
            "stage3_gather_16bit_weights_on_model_save": True,  # in the weights' own precision: float32
        },
        "torch_autocast": {"enabled": optimizer.precision == "bf16", "dtype": "bfloat16"},
    }


def run_rank(what: str, loss: Path, train: Callable[[], pl.DataFrame]) -> NoReturn:
    """Train, and (on the first rank) leave the loss of each step where the stage looks for it."""
    import torch

    if STAGE in os.environ:
        end_with_process(int(os.environ[STAGE]))
    logging.basicConfig(level=logging.WARNING)
    try:
        points = train()
    except UserError as error:
        if os.environ["LOCAL_RANK"] == "0":  # of each machine: another may lack a file that this one has
            print(f"{what}: {error}", file=sys.stderr)  # noqa: T201 (to the user, through the launcher)
        sys.exit(error.exit_status)
    if os.environ["RANK"] == "0":
        part = loss.with_name(f"{loss.name}.part")
        points.write_parquet(part)
        part.replace(loss)
    torch.distributed.barrier()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # skip the interpreter's shutdown, in which ZeRO-3 sometimes aborts
