"""A training as its ranks know it: the stage writes it into a directory, each rank reads and runs it."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from pydantic import BaseModel

from jz3.core.execution import Execution
from jz3.core.hashing import content_id
from jz3.lm.blocks import Blocks, BlockWriter, open_blocks
from jz3.lm.checkpoints import Checkpoints, steps_between
from jz3.lm.model import load_model
from jz3.lm.plan import OptimizerParams, Plan
from jz3.lm.ranks import Rank
from jz3.lm.schedule import Schedule
from jz3.lm.train import train
from jz3.lm.training import Training
from jz3.training.methods import Method, adapted

if TYPE_CHECKING:
    from transformers import PreTrainedModel

JOB, PLAN, LOSS, BLOCKS = "job.json", "plan.npz", "loss.parquet", "blocks"


class Job(BaseModel):
    """What every rank must know; files beside it hold the blocks and the plan."""

    what: str
    base: Path
    method: Method
    schedule: Schedule
    optimizer: OptimizerParams
    seed: int
    keep: list[int]
    """Steps after which the weights are kept; the last step is among them."""
    blocks: Path
    live: Path | None
    directory: Path
    """This training's directory: checkpoints, kept weights."""
    identity: dict[str, str]
    execution: Execution

    def weights(self, step: int) -> Path:
        return self.directory / f"weights-{step}.safetensors"

    def training(self, blocks: Blocks, plan: Plan, rank: Rank | None) -> Training:
        """The training as this process runs it, alone or as one of the ranks."""
        return Training(
            what=self.what,
            blocks=blocks,
            plan=plan,
            schedule=self.schedule,
            optimizer=self.optimizer,
            seed=self.seed,
            execution=self.execution,
            rank=rank,
            keep={step: self.weights(step) for step in self.keep},
            checkpoints=checkpoints_of(self),
            live=self.live,
        )


def train_job(job: Job, blocks: Blocks, plan: Plan, rank: Rank | None) -> pl.DataFrame:
    """Train in this process, alone or as one of the ranks."""
    if rank and rank.fsdp:
        from jz3.lm.sharded import load_sharded

        model = load_sharded(job.base, job.execution, job.optimizer)
    else:
        model = fresh_model(job)
    return train(model, job.training(blocks, plan, rank))


def plan_digest(plan: Plan) -> str:
    sizes = np.array([len(step) for step in plan.steps], np.int64)
    return content_id(sizes.tobytes().hex(), np.concatenate([sizes[:0], *plan.steps]).tobytes().hex())


def read_job(directory: Path) -> tuple[Job, Blocks, Plan]:
    """Read what `write_job` wrote."""
    job = Job.model_validate_json((directory / JOB).read_text())
    with np.load(directory / PLAN) as arrays:
        steps = np.split(arrays["order"], np.cumsum(arrays["sizes"])[:-1])
        return job, open_blocks(job.blocks), Plan(steps, arrays["epochs"].tolist())


def write_job(job: Job, blocks: Blocks, plan: Plan) -> None:
    """Write a job for its ranks; blocks that are only in memory get a directory."""
    if job.blocks == job.directory / BLOCKS:
        with BlockWriter(job.blocks, blocks.length) as writer:
            writer.write(blocks)
    sizes = [len(step) for step in plan.steps]
    np.savez(job.directory / PLAN, order=np.concatenate(plan.steps), sizes=sizes, epochs=plan.epochs)
    (job.directory / JOB).write_text(json.dumps(json.loads(job.model_dump_json()), indent=2))


def fresh_model(job: Job) -> "PreTrainedModel":
    """The base with the method's additions, as it is before the first step."""
    import torch

    torch.set_num_threads(job.execution.threads)  # before any computation, because an SVD may depend on it
    return adapted(load_model(job.base, "float32"), job.method, job.seed)


def checkpoints_of(job: Job) -> Checkpoints:
    """The checkpoints from which the training resumes after a kill."""
    execution = job.execution
    every = steps_between(execution, job.keep[-1])
    return Checkpoints(job.directory, job.identity, every, execution.checkpoints_kept)
