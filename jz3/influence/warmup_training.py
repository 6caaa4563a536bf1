"""The two trainings of a warm-up: all weights of a base that has random ones, then the adapter.

One process carries them out, or several ranks. If all weights are trained, the ranks divide them. With an
adapter each rank has the whole model, because the trained part is small; its optimizer is whole on the first
rank, whose moments an epoch saves. Ranks draw the same dropout, each for its own blocks.
"""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import polars as pl
from pydantic import BaseModel, Field, model_validator

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.params import Params, Seed
from jz3.influence.checkpoints import write_checkpoint
from jz3.lm.blocks import Blocks
from jz3.lm.checkpoints import Checkpoints
from jz3.lm.lora import LoraParams, lora_config
from jz3.lm.plan import OptimizerParams, Plan, epoch_plan
from jz3.lm.ranks import Rank
from jz3.lm.schedule import WarmupCosine, WarmupStableDecay
from jz3.lm.train import train
from jz3.lm.training import Training
from jz3.tables.checkpoints_manifest import Checkpoint

if TYPE_CHECKING:
    import torch
    from peft import PeftModel
    from transformers import PreTrainedModel

NOTED = "noted.json"
"""A file beside a collected epoch with its entry for the manifest; written last."""
JOB, BLOCKS, LOSS, WEIGHTS = "job.json", "blocks", "loss.parquet", "weights.safetensors"
"""Files of a training by ranks, beside its checkpoints."""


class FullParams(Params):
    """Training of all weights before the adapter is added."""

    epochs: int = Field(gt=0)
    schedule: WarmupCosine
    optimizer: OptimizerParams


class WarmupParams(Params):
    """Section `warmup`."""

    share: float = Field(gt=0, le=1)
    """The share of the candidate problems, drawn by hash and rounded up."""
    seed: Seed
    """The seed of the draw, the adapter's weights, and the order of the blocks."""
    block_length: int = Field(gt=1)
    """Tokens of a block; longer problems are rejected."""
    batch_tokens: int = Field(gt=0)
    """Tokens of a step, in whole blocks."""
    pretrain: FullParams | None
    """For a base with random weights, which a low-rank update can teach little; null for a pretrained one."""
    epochs: int = Field(gt=0)
    """Epochs of the adapter; each leaves a checkpoint."""
    adapter: LoraParams
    """`attribute` takes gradients without its dropout."""
    schedule: WarmupStableDecay
    optimizer: OptimizerParams
    """The optimizer of the adapter."""

    @model_validator(mode="after")
    def _keeps_moments(self) -> "WarmupParams":
        if self.optimizer.muon is not None:
            raise ValueError("optimizer.muon is set; `attribute` needs the moments of AdamW. Make it null")
        return self


class WarmupJob(BaseModel):
    """What every rank must know; a directory beside it holds the blocks."""

    part: Literal["full", "adapter"]
    base: Path
    params: WarmupParams
    execution: Execution
    directory: Path
    """This training's directory: its checkpoints, the epochs of the adapter, the files above."""
    identity: dict[str, str]
    every: int
    """Steps between two checkpoints."""

    @property
    def what(self) -> str:
        return "warmup of all weights" if self.part == "full" else "warmup"

    @property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.directory, self.identity, self.every, self.execution.checkpoints_kept)


def plan_of(blocks: Blocks, epochs: int, params: WarmupParams) -> Plan:
    return epoch_plan(len(blocks), epochs, max(1, params.batch_tokens // params.block_length), params.seed)


def epoch_names(params: WarmupParams) -> list[str]:
    return [f"epoch-{epoch + 1}" for epoch in range(params.epochs)]


def train_full(
    model: "PreTrainedModel",
    blocks: Blocks,
    params: WarmupParams,
    execution: Execution,
    checkpoints: Checkpoints | None,
    weights: Path | None,
    rank: Rank | None,
) -> pl.DataFrame:
    """Train all weights as `params.pretrain` says; ranks leave them in a file."""
    assert params.pretrain is not None
    plan = plan_of(blocks, params.pretrain.epochs, params)
    training = Training(
        what="warmup of all weights",
        blocks=blocks,
        plan=plan,
        schedule=params.pretrain.schedule,
        optimizer=params.pretrain.optimizer,
        seed=params.seed,
        execution=execution,
        rank=rank,
        keep={len(plan.steps): weights} if weights else {},
        checkpoints=checkpoints,
    )
    return train(model, training)


def train_adapter(
    model: "PeftModel",
    blocks: Blocks,
    epochs: Path,
    params: WarmupParams,
    execution: Execution,
    checkpoints: Checkpoints | None,
    rank: Rank | None,
) -> pl.DataFrame:
    """Train the adapter; each epoch saves it with its moments in a directory of `epochs`."""
    plan, names = plan_of(blocks, params.epochs, params), epoch_names(params)

    def keep(
        epoch: int,
        _model: "PreTrainedModel",
        optimizer: "torch.optim.Optimizer",
        mean_learning_rate: float,
        mean_loss: float,
    ) -> None:
        name = names[epoch]
        shutil.rmtree(epochs / name, ignore_errors=True)  # left by a process that was killed
        write_checkpoint(epochs / name, model, optimizer)
        step = plan.epochs[epoch]
        noted = Checkpoint(
            directory=name, mean_learning_rate=mean_learning_rate, step=step, mean_loss=mean_loss
        )
        (epochs / name / NOTED).write_text(noted.model_dump_json())

    training = Training(
        what="warmup",
        blocks=blocks,
        plan=plan,
        schedule=params.schedule,
        optimizer=params.optimizer,
        seed=params.seed,
        execution=execution,
        rank=rank,
        on_epoch_end=keep,
        checkpoints=checkpoints,
    )
    return train(model, training)  # pyright: ignore[reportArgumentType] (used as the model that it wraps)


def with_adapter(model: "PreTrainedModel", params: WarmupParams) -> "PeftModel":
    """The model with a new adapter, whose weights are drawn by the seed; all other weights are frozen."""
    import torch
    from peft import PeftModel, get_peft_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(params.seed)
        try:
            adapted = get_peft_model(model, lora_config(params.adapter))
        except ValueError as error:
            reason = " ".join(str(error).split())[:200]
            raise UserError(
                f"warmup.adapter.targets {params.adapter.targets} do not fit the reference model ({reason}); "
                f"names of its linear layers were expected. Correct them in params.yaml."
            ) from error
    assert isinstance(adapted, PeftModel)
    return adapted
