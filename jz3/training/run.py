"""A training of finetune or pretrain from base to weights: in one process or many, in one go or after kills.

What determines the weights (base, method, blocks, plan, schedule, optimizer, seed, libraries, ranks) gives
the training its directory under $JZ3_STORE/checkpoints. A killed training resumes there from its last
checkpoint, with the same losses and weights; any other training has another directory. If two processes want
the same training, the second is refused. `Trained.discard` deletes the directory once the result is safe.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from jz3.core.artifacts import InDir
from jz3.core.cache import cache_root
from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json, content_id
from jz3.lm.blocks import Blocks, blocks_digest
from jz3.lm.checkpoints import Hold, hold
from jz3.lm.freed_memory import let_go_of_cycles
from jz3.lm.launch import Launch, RankError, run_ranks
from jz3.lm.model import libraries
from jz3.lm.plan import Plan
from jz3.lm.ranks import trains_alone
from jz3.lm.training import LOOP_VERSION, Training
from jz3.lm.weights import read_weights
from jz3.tables.loss_point import LossPoint
from jz3.tables.model_manifest import ModelManifest
from jz3.training import rank
from jz3.training.job import (
    BLOCKS,
    JOB,
    LOSS,
    PLAN,
    Job,
    checkpoints_of,
    fresh_model,
    plan_digest,
    train_job,
    write_job,
)
from jz3.training.methods import Full, Method, merged

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class Trained:
    """The loss of each step, and the weights that were kept."""

    loss: pl.DataFrame
    job: Job
    held: Hold
    """Keeps other processes out of the directory until `discard`."""

    def model(self, step: int) -> "PreTrainedModel":
        """Plain weights after that number of steps."""
        model = fresh_model(self.job)
        read_weights(model, self.job.weights(step))
        return merged(model, self.job.method)

    def discard(self) -> None:
        """Delete checkpoints and kept weights."""
        job = self.job
        files = [*(job.directory / name for name in (JOB, PLAN, LOSS, BLOCKS)), *map(job.weights, job.keep)]
        parts = [file.with_name(f"{file.name}.part") for file in files]  # left by a process that was killed
        checkpoints_of(job).discard(*files, *parts)
        self.held.release()


def run_job(
    base: Path, method: Method, training: Training, keep: Sequence[int] = (), blocks_in: Path | None = None
) -> Trained:
    """Train the base, from the last checkpoint if there is one.

    - `training`: what to do; its checkpoints, kept weights and ranks are set here.
    - `keep`: steps after which `Trained.model` is wanted; the last step always is.
    - `blocks_in`: the directory that `training.blocks` were opened from, for ranks to open, too; None if they
      are only in memory.
    """
    execution = training.execution
    alone = trains_alone(execution, training.optimizer, all_weights=isinstance(method, Full))
    identity = {
        "version": str(LOOP_VERSION),
        "base": InDir(ModelManifest, base).manifest().digest,
        "method": canonical_json(method.model_dump()),
        "blocks": blocks_digest(training.blocks),
        "plan": plan_digest(training.plan),
        "schedule": canonical_json(training.schedule.model_dump()),
        "optimizer": canonical_json(training.optimizer.model_dump()),
        "seed": str(training.seed),
        "ranks": _ranks(execution, alone=alone),
        "libraries": canonical_json(libraries()),
    }
    if execution.fused_kernels:
        identity["kernels"] = "fused"
    directory = cache_root() / "checkpoints" / content_id(canonical_json(identity))
    job = Job(
        what=training.what,
        base=base.absolute(),
        method=method,
        schedule=training.schedule,
        optimizer=training.optimizer,
        seed=training.seed,
        keep=sorted({*keep, len(training.plan.steps)}),
        blocks=(blocks_in or directory / BLOCKS).absolute(),
        live=training.live.absolute() if training.live else None,
        directory=directory,
        identity=identity,
        execution=execution,
    )
    held = hold(directory)
    try:
        return Trained(_trained(job, training.blocks, training.plan), job, held)
    except BaseException:
        held.release()
        raise


def _ranks(execution: Execution, *, alone: bool) -> str:
    """The facts about ranks that decide the order in which sums are taken."""
    if alone:
        return "1"
    over = f" on {execution.nodes} machines" if execution.sharding == "fsdp" and execution.nodes > 1 else ""
    return f"{execution.ranks} under {execution.sharding.replace('zero', 'ZeRO ')}{over}"


def _trained(job: Job, blocks: Blocks, plan: Plan) -> pl.DataFrame:
    """The loss of each step, computed by this process or by its ranks."""
    if trains_alone(job.execution, job.optimizer, all_weights=isinstance(job.method, Full)):
        loss = train_job(job, blocks, plan, None)
        let_go_of_cycles(job.execution.device)
        return loss
    sharding, ranks = job.execution.sharding, job.execution.ranks
    if job.optimizer.muon and sharding != "none":
        raise RankError(
            f"optimizer.muon needs whole matrices, which {ranks} ranks share out under {sharding}; AdamW was "
            f"expected. Set muon to null, or execution.yaml:ranks to 1, or sharding to none."
        )
    if sharding == "fsdp" and not isinstance(job.method, Full):
        raise RankError(
            f"method {job.method.kind} trains an adapter, which {ranks} ranks do not share out under fsdp; "
            f"method full was expected. Set execution.yaml:sharding to none, so that each rank has the whole "
            f"model, or to zero2."
        )
    write_job(job, blocks, plan)
    files = [job.directory / LOSS, *map(job.weights, job.keep)]
    what, steps = job.what, job.keep[-1]
    run_ranks(Launch(what, rank.__name__, job.directory, files, steps, checkpoints_of(job), job.execution))
    return LossPoint.validate(pl.read_parquet(job.directory / LOSS))
