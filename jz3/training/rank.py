"""A rank of finetune or pretrain: `python -m jz3.training.rank DIRECTORY`, under a launcher."""

import os
import sys
from pathlib import Path

import polars as pl

from jz3.lm.ranks import rank_under, run_rank
from jz3.training.job import LOSS, read_job, train_job


def main() -> None:
    """Train as one of the ranks that share the model."""
    directory = Path(sys.argv[1])
    job, blocks, plan = read_job(directory)

    def train() -> pl.DataFrame:
        from jz3.lm.trainer import pieces_of_a_step

        ranks = int(os.environ["WORLD_SIZE"])
        pieces = pieces_of_a_step(plan, job.execution.training_batch, ranks)
        return train_job(job, blocks, plan, rank_under(job.execution, job.optimizer, ranks, pieces))

    run_rank(job.what, directory / LOSS, train)


if __name__ == "__main__":
    main()
