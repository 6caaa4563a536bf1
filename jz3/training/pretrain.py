"""The final model: packed blocks under one warm-up, stable, decay schedule.

Pre-training data are read first, instruction data last. With seed 0 they are read in training order; any
other seed draws an order of blocks within each part. Unless the method itself draws something, that is the
only difference between two trainings on one set. With a token budget each part is repeated, first
pre-training, then instruction, as often as the whole set fits into the budget: so instruction data are still
read at the end of the schedule. The metrics say at which steps the decay and the instruction data begin. The
stage leaves the final model, and the one before the decay, from which a training on more data can continue.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.params import Params
from jz3.core.remedies import remedy
from jz3.lm.blocks import open_blocks
from jz3.lm.model import in_format, load_model, load_tokenizer, save_model, tokenizer_digest
from jz3.lm.plan import OptimizerParams, Plan, cut_into_steps
from jz3.lm.schedule import WarmupStableDecay
from jz3.lm.training import Training
from jz3.tables.blocks_manifest import HELD_OUT_BLOCKS, BlocksManifest
from jz3.tables.ledger import Ledger
from jz3.training.methods import Method
from jz3.training.model_card import write_card
from jz3.training.run import run_job

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class PretrainParams(Params):
    """Section `pretrain`, the same for every model."""

    batch_blocks: int = Field(gt=0)
    """Blocks in a step."""
    weights: Literal["float32", "bfloat16"]
    """The number format of the final model. Whatever this says, a training computes with float32 weights, and
    so are those in its checkpoints.
    """
    method: Method
    schedule: WarmupStableDecay
    optimizer: OptimizerParams


class HeldOutLoss(BaseModel):
    """Loss on rows that were not trained on, in nats per label token."""

    rows: int
    base: float
    before_decay: float
    final: float


class PretrainMetrics(BaseModel):
    """`rows` are blocks; a block that a small budget does not reach is rejected by `pretrain.budget`."""

    rows: Ledger
    epochs: float
    """Blocks read over the number of blocks."""
    tokens: int
    """Tokens read, without padding."""
    steps: int
    decay_step: int
    """Steps done when the decay begins."""
    instruction_step: int
    """Steps done when the first instruction block is read; equal to `steps` if there is none."""
    loss: float
    """Mean over the last twentieth of the steps, in nats per label token."""
    loss_before_decay: float
    """Mean over as many steps before the decay."""
    held_out: dict[str, HeldOutLoss]
    """By source and kind, such as `docstrings/cot`."""


@dataclass(frozen=True)
class Pretrained:
    """Rows of LossPoint and the metrics; the models are in their directories."""

    loss: pl.DataFrame
    metrics: PretrainMetrics


def pretrain(
    blocks: InDir[BlocksManifest],
    base: Path,
    before_decay: Path,
    directory: Path,
    live: Path,
    params: PretrainParams,
    training_tokens: int | None,
    seed: int,
    execution: Execution,
) -> Pretrained:
    """Train the base on the blocks; save it before the decay and at the end.

    `training_tokens` is the number of tokens to read, without padding; None reads each block once. Speed and
    memory are noted in `live`.
    """
    manifest, tokenizer = blocks.manifest(), load_tokenizer(base)
    if manifest.tokenizer_digest != tokenizer_digest(tokenizer):
        raise UserError(
            f"{blocks.path} was packed with another tokenizer than that of {base}; the same was expected. "
            f"{remedy(blocks.path, f'Pack them again with `python -m stages.pack --base {base}`.')}"
        )
    order = reading_order(manifest, training_tokens, seed)
    steps = cut_into_steps(order, params.batch_blocks)
    decay_step = params.schedule.decay_step(len(steps))
    training = Training(
        what="pretrain",
        blocks=open_blocks(blocks.path),
        plan=Plan(steps, [len(steps)]),
        schedule=params.schedule,
        optimizer=params.optimizer,
        seed=seed,
        execution=execution,
        live=live,
    )
    trained = run_job(base, params.method, training, keep=[decay_step], blocks_in=blocks.path)
    loss, made_by = trained.loss, f"pretrain {params.method.kind}"
    measured = [_held_out(load_model(base, "float32"), blocks, params, execution)]
    for path, step, told in (
        (before_decay, decay_step, f"{made_by}, before the decay"),
        (directory, loss.height, made_by),
    ):
        model, tokens = in_format(trained.model(step), params.weights), int(loss["tokens"][step - 1])
        save_model(path, model, tokenizer, made_by=told, steps=step, tokens=tokens)
        measured.append(_held_out(model, blocks, params, execution))
    metrics = _metrics(manifest, order, steps, decay_step, loss, _by_group(manifest, measured))
    budget = {"training_tokens": training_tokens, "seed": seed}
    told = {"Data": _data(manifest), "Budget": budget, "Training": params, "Measured": metrics}
    for path in (before_decay, directory):
        write_card(path, base, told)
    trained.discard()
    return Pretrained(loss, metrics)


def _data(manifest: BlocksManifest) -> Mapping[str, object]:
    """What the card says about the blocks."""
    counts = manifest.model_dump(exclude={"padding_label", "held_out", "tokenizer_digest"})
    return counts | {"rows held out": sum(group.rows for group in manifest.held_out)}


def _held_out(
    model: "PreTrainedModel", blocks: InDir[BlocksManifest], params: PretrainParams, execution: Execution
) -> list[float]:
    """The model's loss on each group of held-out rows."""
    from jz3.lm.held_out import mean_loss

    packed = open_blocks(blocks.path / HELD_OUT_BLOCKS)
    return [
        mean_loss(
            model,
            packed.part(group.first_block, group.first_block + group.blocks),
            params.optimizer.precision,
            execution,
        )
        for group in blocks.manifest().held_out
    ]


def _by_group(manifest: BlocksManifest, measured: list[list[float]]) -> dict[str, HeldOutLoss]:
    return {
        f"{group.source}/{group.kind}": HeldOutLoss(
            rows=group.rows, base=base, before_decay=before_decay, final=final
        )
        for group, base, before_decay, final in zip(manifest.held_out, *measured, strict=True)
    }


def reading_order(manifest: BlocksManifest, training_tokens: int | None, seed: int) -> NDArray[np.int64]:
    """The blocks in reading order: the pre-training part, repeated, then the instruction part, repeated.

    Each part is read `training_tokens / tokens` times; the last time only from its start to the share that is
    left. For 4 + 2 blocks, 1.5 epochs and seed 0: 0 1 2 3 0 1 | 4 5 4. Any other seed draws an order of each
    part, the same in every pass, so that a smaller budget reads what a larger one reads first.
    """
    epochs = 1.0 if training_tokens is None else training_tokens / max(manifest.tokens, 1)
    first, end = manifest.first_instruction_block, manifest.blocks
    parts = [np.arange(0, first), np.arange(first, end)]
    if seed:
        generator = np.random.default_rng(seed)
        parts = [generator.permutation(part) for part in parts]
    return np.concatenate([np.resize(part, round(len(part) * epochs)) for part in parts])


def _metrics(
    manifest: BlocksManifest,
    order: NDArray[np.int64],
    steps: list[NDArray[np.int64]],
    decay_step: int,
    loss: pl.DataFrame,
    held_out: dict[str, HeldOutLoss],
) -> PretrainMetrics:
    is_read = len(np.unique(order))
    unread = manifest.blocks - is_read
    instruction = [bool((step >= manifest.first_instruction_block).any()) for step in steps]
    window = max(1, len(steps) // 20)
    return PretrainMetrics(
        rows=Ledger(
            read=manifest.blocks,
            kept=is_read,
            rejected={"pretrain.budget": unread} if unread else {},
            failed=0,
        ),
        epochs=len(order) / manifest.blocks,
        tokens=int(loss["tokens"][-1]),
        steps=len(steps),
        decay_step=decay_step,
        instruction_step=instruction.index(True) if any(instruction) else len(steps),
        loss=_mean(loss["loss"].tail(window)),
        loss_before_decay=_mean(loss["loss"].head(decay_step).tail(window)),
        held_out=held_out,
    )


def _mean(losses: pl.Series) -> float:
    return float(losses.to_numpy().mean())
