"""A warm-up by ranks: the stage writes the job, each rank reads it.

A rank is `python -m jz3.influence.warmup_rank DIRECTORY`, under a launcher.
"""

import os
import sys
from pathlib import Path

import polars as pl

from jz3.influence.warmup_training import (
    BLOCKS,
    JOB,
    LOSS,
    WEIGHTS,
    WarmupJob,
    plan_of,
    train_adapter,
    train_full,
    with_adapter,
)
from jz3.lm.blocks import Blocks, BlockWriter, open_blocks
from jz3.lm.launch import Launch, run_ranks
from jz3.lm.model import load_model
from jz3.lm.ranks import Rank, rank_under, run_rank
from jz3.tables.loss_point import LossPoint

MODULE = "jz3.influence.warmup_rank"


def by_ranks(job: WarmupJob, blocks: Blocks, steps: int) -> pl.DataFrame:
    """The loss of each step; the job's directory holds the weights, or the adapter's epochs."""
    job.directory.mkdir(parents=True, exist_ok=True)
    with BlockWriter(job.directory / BLOCKS, blocks.length) as writer:
        writer.write(blocks)
    (job.directory / JOB).write_text(job.model_dump_json())
    left = [job.directory / LOSS, *([job.directory / WEIGHTS] if job.part == "full" else [])]
    run_ranks(Launch(job.what, MODULE, job.directory, left, steps, job.checkpoints, job.execution))
    return LossPoint.validate(pl.read_parquet(job.directory / LOSS))


def main() -> None:
    """Train as one of the ranks."""
    directory = Path(sys.argv[1])
    job = WarmupJob.model_validate_json((directory / JOB).read_text())
    run_rank(job.what, directory / LOSS, lambda: _train(job, int(os.environ["WORLD_SIZE"])))


def _train(job: WarmupJob, ranks: int) -> pl.DataFrame:
    import torch

    torch.set_num_threads(job.execution.threads)
    blocks = open_blocks(job.directory / BLOCKS)
    if job.part == "adapter":
        adapted, alike = with_adapter(load_model(job.base, "float32"), job.params), Rank(ranks)
        return train_adapter(
            adapted, blocks, job.directory, job.params, job.execution, job.checkpoints, alike
        )
    from jz3.lm.trainer import pieces_of_a_step

    assert job.params.pretrain is not None
    plan = plan_of(blocks, job.params.pretrain.epochs, job.params)
    pieces = pieces_of_a_step(plan, job.execution.training_batch, ranks)
    optimizer = job.params.pretrain.optimizer
    rank = rank_under(job.execution, optimizer, ranks, pieces)
    if rank.fsdp:
        from jz3.lm.sharded import load_sharded

        model = load_sharded(job.base, job.execution, optimizer)
    else:
        model = load_model(job.base, "float32")
    weights = job.directory / WEIGHTS
    return train_full(model, blocks, job.params, job.execution, job.checkpoints, weights, rank)


if __name__ == "__main__":
    main()
