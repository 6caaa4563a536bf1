"""A training of finetune or pretrain from base to weights: on one process or many, once or after kills.

What determines the weights (base, method, blocks, plan, schedule, optimizer, seed, libraries, ranks) gives
the training its directory under $JZ3_STORE/checkpoints. A killed training goes on there from its last
checkpoint, to the same losses and weights; a training of anything else has another directory. Of two
processes that want the same training, the second is refused. `Trained.discard` deletes the directory once the
result is safe.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import InDir
from jz3.core.cache import cache_root
from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json, content_id
from jz3.lm.blocks import Blocks, BlockWriter, blocks_digest, open_blocks
from jz3.lm.checkpoints import Checkpoints, Hold, hold, steps_between
from jz3.lm.model import libraries, load_model
from jz3.lm.schedule import WarmupCosine, WarmupStableDecay
from jz3.lm.train import OptimizerParams, Plan, train
from jz3.lm.weights import read_weights
from jz3.tables.loss_point import LossPoint
from jz3.tables.model_manifest import ModelManifest
from jz3.training.methods import Method, adapted, merged

if TYPE_CHECKING:
    from transformers import PreTrainedModel

VERSION = 1
"""Of the training loop: another one may give other weights from the same inputs."""
JOB, PLAN, LOSS, BLOCKS = "job.json", "plan.npz", "loss.parquet", "blocks"


class Job(BaseModel):
    """What every rank must know; the blocks and the plan lie beside it in files."""

    what: str
    base: Path
    method: Method
    schedule: WarmupCosine | WarmupStableDecay
    optimizer: OptimizerParams
    seed: int
    keep: list[int]
    """Steps after which the weights are kept; the last step is among them."""
    blocks: Path
    live: Path
    directory: Path
    """Of this training: checkpoints, kept weights."""
    identity: dict[str, str]
    execution: Execution

    def weights(self, step: int) -> Path:
        return self.directory / f"weights-{step}.safetensors"


@dataclass(frozen=True)
class Trained:
    """The loss of each step, and the weights that were kept."""

    loss: pl.DataFrame
    job: Job
    held: Hold
    """Other processes leave the directory alone until `discard`."""

    def model(self, step: int) -> "PreTrainedModel":
        """Plain weights as they were after so many steps."""
        model = _fresh(self.job)
        read_weights(model, self.job.weights(step))
        return merged(model, self.job.method)

    def discard(self) -> None:
        """Delete checkpoints and kept weights."""
        job = self.job
        files = [*(job.directory / name for name in (JOB, PLAN, LOSS, BLOCKS)), *map(job.weights, job.keep)]
        parts = [file.with_name(f"{file.name}.part") for file in files]  # of a process that was killed
        _checkpoints(job).discard(*files, *parts)
        self.held.release()


def run_job(
    base: Path,
    method: Method,
    blocks: Blocks | Path,
    plan: Plan,
    schedule: WarmupCosine | WarmupStableDecay,
    optimizer: OptimizerParams,
    execution: Execution,
    *,
    what: str,
    seed: int,
    keep: list[int],
    live: Path,
) -> Trained:
    """Train the base on the blocks (or those in a directory), from the last checkpoint if there is one."""
    packed = open_blocks(blocks) if isinstance(blocks, Path) else blocks
    identity = {
        "version": str(VERSION),
        "base": InDir(ModelManifest, base).manifest().digest,
        "method": canonical_json(method.model_dump()),
        "blocks": blocks_digest(packed),
        "plan": plan_digest(plan),
        "schedule": canonical_json(schedule.model_dump()),
        "optimizer": canonical_json(optimizer.model_dump()),
        "seed": str(seed),
        "ranks": f"{execution.ranks} under ZeRO {execution.zero}" if execution.ranks > 1 else "1",
        "libraries": canonical_json(libraries()),
    }
    directory = cache_root() / "checkpoints" / content_id(canonical_json(identity))
    job = Job(
        what=what,
        base=base.absolute(),
        method=method,
        schedule=schedule,
        optimizer=optimizer,
        seed=seed,
        keep=sorted({*keep, len(plan.steps)}),
        blocks=(blocks if isinstance(blocks, Path) else directory / BLOCKS).absolute(),
        live=live.absolute(),
        directory=directory,
        identity=identity,
        execution=execution,
    )
    held = hold(directory)
    try:
        return Trained(_trained(job, packed, plan), job, held)
    except BaseException:
        held.release()
        raise


def _trained(job: Job, blocks: Blocks, plan: Plan) -> pl.DataFrame:
    """The loss of each step, by this process or by its ranks."""
    if job.execution.ranks == 1:
        return train_job(job, blocks, plan, None)
    from jz3.training.deepspeed import run_ranks

    _write(job, blocks, plan)
    run_ranks(job)
    return LossPoint.validate(pl.read_parquet(job.directory / LOSS))


def train_job(job: Job, blocks: Blocks, plan: Plan, zero: dict[str, Any] | None) -> pl.DataFrame:
    """In this process: alone, or as one of the ranks that share `zero`."""
    return train(
        _fresh(job),
        blocks,
        plan,
        job.schedule,
        job.optimizer,
        job.execution,
        what=job.what,
        seed=job.seed,
        keep={step: job.weights(step) for step in job.keep},
        on_epoch_end=None,
        checkpoints=_checkpoints(job),
        live=job.live,
        zero=zero,
    )


def plan_digest(plan: Plan) -> str:
    sizes = np.array([len(step) for step in plan.steps], np.int64)
    return content_id(sizes.tobytes().hex(), np.concatenate([sizes[:0], *plan.steps]).tobytes().hex())


def read_job(directory: Path) -> tuple[Job, Blocks, Plan]:
    """What `run_job` wrote for its ranks."""
    job = Job.model_validate_json((directory / JOB).read_text())
    with np.load(directory / PLAN) as arrays:
        steps = np.split(arrays["order"], np.cumsum(arrays["sizes"])[:-1])
        return job, open_blocks(job.blocks), Plan(steps, arrays["epochs"].tolist())


def _write(job: Job, blocks: Blocks, plan: Plan) -> None:
    """A blocks' directory of its own where they are in memory alone."""
    if job.blocks == job.directory / BLOCKS:
        with BlockWriter(job.blocks, blocks.length) as writer:
            writer.write(blocks)
    sizes = [len(step) for step in plan.steps]
    np.savez(job.directory / PLAN, order=np.concatenate(plan.steps), sizes=sizes, epochs=plan.epochs)
    (job.directory / JOB).write_text(json.dumps(json.loads(job.model_dump_json()), indent=2))


def _fresh(job: Job) -> "PreTrainedModel":
    import torch

    torch.set_num_threads(job.execution.threads)  # before anything is computed: an SVD may differ by it
    return adapted(load_model(job.base, "float32"), job.method, job.seed)


def _checkpoints(job: Job) -> Checkpoints:
    execution = job.execution
    every = steps_between(execution, job.keep[-1])
    return Checkpoints(job.directory, job.identity, every, execution.checkpoints_kept)
