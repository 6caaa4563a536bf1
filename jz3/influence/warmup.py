"""The reference model, whose gradients determine the values of problems, learns a share of the candidates.

A LoRA adapter is trained as in LESS: the method needs a warmed-up adapter (with B = 0 the gradients of A are
zero) and the moments of its optimizer. Problems are drawn by hash, so that a drawn one gives way only to a
new candidate with a smaller hash. A base with random weights has no features that a low-rank update could
use, so it may first be trained in full on the same problems; a pretrained base is taken as it is. The same
inputs give the same bytes on one machine, even after a kill: both trainings resume from their last
checkpoint. Costs the share's tokens x all epochs.
"""

import importlib.metadata
import shutil
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import MANIFEST, InDir
from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json
from jz3.influence.checkpoints import BASE
from jz3.influence.share import draw
from jz3.influence.warmup_rank import by_ranks
from jz3.influence.warmup_training import (
    BLOCKS,
    JOB,
    LOSS,
    NOTED,
    WEIGHTS,
    WarmupJob,
    WarmupParams,
    epoch_names,
    plan_of,
    train_adapter,
    train_full,
    with_adapter,
)
from jz3.lm.blocks import Blocks, blocks_digest, pack_rows
from jz3.lm.checkpoints import Checkpoints
from jz3.lm.encode import encode_rows
from jz3.lm.model import libraries, load_model, load_tokenizer, padding_token, save_model
from jz3.lm.resuming import resumable
from jz3.lm.weights import read_weights
from jz3.tables.checkpoints_manifest import Checkpoint, CheckpointsManifest
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.text.training_text import training_input

if TYPE_CHECKING:
    from peft import PeftModel

NOT_DRAWN = "warmup.not_drawn"
TOO_LONG = "warmup.too_long"
EPOCHS = "epochs"
"""Folder in which epochs are collected if there are no checkpoints to resume from."""
FILES = (JOB, BLOCKS, LOSS, WEIGHTS)


class WarmupMetrics(BaseModel):
    """`rows` are the candidate problems; kept are those that the model learns."""

    rows: Ledger
    blocks: int
    tokens: int
    """Tokens of one epoch, without padding."""
    adapter_parameters: int
    pretrain_steps: int
    steps: int
    """Steps of the adapter's training."""
    first_loss: float
    """Loss of the very first step, in nats per label token."""
    adapter_losses: list[float]
    """Mean loss of each epoch of the adapter."""


@dataclass(frozen=True)
class WarmedUp:
    """Rows of LossPoint (full training, then adapter) and the metrics; the checkpoints are in their
    directory.
    """

    loss: pl.DataFrame
    metrics: WarmupMetrics


@dataclass(frozen=True)
class Share:
    """The drawn problems in blocks."""

    blocks: Blocks
    rows: Ledger
    tokens: int


def warmup(
    problems: dy.DataFrame[Problem],
    base: Path,
    directory: Path,
    params: WarmupParams,
    execution: Execution,
) -> WarmedUp:
    """Train the reference model; fill `directory` with its base, its checkpoints and their manifest."""
    share = _share(problems, base, params)
    with _base_checkpoints(share.blocks, base, params, execution) as kept:
        curve = _train_base(share.blocks, base, directory / BASE, params, execution, kept)
        model = with_adapter(load_model(directory / BASE, "float32"), params)
        points, checkpoints = _train_adapter(model, base, share.blocks, directory, params, execution)
    _write_manifest(directory, checkpoints, params)
    loss = _continued(curve, points)
    return WarmedUp(
        loss,
        WarmupMetrics(
            rows=share.rows,
            blocks=len(share.blocks),
            tokens=share.tokens,
            adapter_parameters=sum(w.numel() for w in model.parameters() if w.requires_grad),
            pretrain_steps=curve.height,
            steps=points.height,
            first_loss=float(loss["loss"][0]),
            adapter_losses=[checkpoint.mean_loss for checkpoint in checkpoints],
        ),
    )


def _base_checkpoints(
    blocks: Blocks, base: Path, params: WarmupParams, execution: Execution
) -> AbstractContextManager[Checkpoints | None]:
    """Checkpoints of the training of all weights; they are kept until the adapter is trained, too."""
    if params.pretrain is None:
        return nullcontext()
    identity = {
        "base": InDir(ModelManifest, base).manifest().digest,
        "blocks": blocks_digest(blocks),
        "training": canonical_json(
            params.pretrain.model_dump() | {"seed": params.seed, "batch_tokens": params.batch_tokens}
        ),
        "libraries": canonical_json(libraries()),
        **_several(execution),
    }
    steps = len(plan_of(blocks, params.pretrain.epochs, params).steps)
    return resumable("warmup full", identity, steps, execution, FILES)


def _several(execution: Execution) -> dict[str, str]:
    """What ranks add to the identity of a training: they take sums in another order."""
    return {"ranks": str(execution.ranks)} if execution.ranks > 1 else {}


def _train_adapter(
    model: "PeftModel",
    base: Path,
    blocks: Blocks,
    directory: Path,
    params: WarmupParams,
    execution: Execution,
) -> tuple[pl.DataFrame, list[Checkpoint]]:
    """Leave a checkpoint of each epoch in `directory`; return rows of LossPoint, and each checkpoint's
    manifest entry.

    Epochs are collected beside the checkpoints to resume from, because a resumed run passes only later ones.
    """
    identity = {
        "base": InDir(ModelManifest, base).manifest().digest,
        "blocks": blocks_digest(blocks),
        "training": canonical_json(params.model_dump()),
        "libraries": canonical_json(_libraries()),
        **_several(execution),
    }
    steps = len(plan_of(blocks, params.epochs, params).steps)
    names = epoch_names(params)
    with resumable("warmup adapter", identity, steps, execution, [*names, *FILES]) as checkpoints:
        epochs = checkpoints.directory if checkpoints else directory / EPOCHS
        if execution.ranks == 1:
            points = train_adapter(model, blocks, epochs, params, execution, checkpoints, None)
        else:
            own = checkpoints or Checkpoints(epochs, identity, steps, 1)
            points = by_ranks(_job("adapter", directory / BASE, params, execution, own), blocks, steps)
        noted = [Checkpoint.model_validate_json((epochs / name / NOTED).read_text()) for name in names]
        for name in names:
            shutil.copytree(epochs / name, directory / name, ignore=shutil.ignore_patterns(NOTED))
    shutil.rmtree(directory / EPOCHS, ignore_errors=True)
    return points, noted


def _job(
    part: Literal["full", "adapter"],
    base: Path,
    params: WarmupParams,
    execution: Execution,
    checkpoints: Checkpoints,
) -> WarmupJob:
    return WarmupJob(
        part=part,
        base=base.absolute(),
        params=params,
        execution=execution,
        directory=checkpoints.directory.absolute(),
        identity=dict(checkpoints.identity),
        every=checkpoints.every,
    )


def _share(problems: dy.DataFrame[Problem], base: Path, params: WarmupParams) -> Share:
    drawn = draw(problems, params.share, params.seed)
    tokenizer = load_tokenizer(base)
    inputs = [training_input(problem, kind) for problem, kind in drawn.select("problem", "kind").iter_rows()]
    encoded = encode_rows(tokenizer, inputs, drawn["solution"].to_list(), params.block_length)
    kept = {number: row for number, row in enumerate(encoded) if row is not None}
    rejected = {NOT_DRAWN: problems.height - drawn.height, TOO_LONG: drawn.height - len(kept)}
    return Share(
        pack_rows(kept, params.block_length, padding_token(tokenizer)),
        Ledger(
            read=problems.height,
            kept=len(kept),
            rejected={rule: rows for rule, rows in rejected.items() if rows},
            failed=0,
        ),
        sum(len(row.tokens) for row in kept.values()),
    )


def _train_base(
    blocks: Blocks,
    base: Path,
    directory: Path,
    params: WarmupParams,
    execution: Execution,
    checkpoints: Checkpoints | None,
) -> pl.DataFrame:
    """Leave the base of the adapter in `directory`; return the loss of each step of its own training, if
    any.
    """
    if params.pretrain is None:
        shutil.copytree(base, directory)
        return pl.DataFrame()
    model = load_model(base, "float32")
    steps = len(plan_of(blocks, params.pretrain.epochs, params).steps)
    if execution.ranks == 1:
        points = train_full(model, blocks, params, execution, checkpoints, None, None)
    else:
        own = checkpoints or Checkpoints(directory.parent / EPOCHS, {}, steps, 1)
        job = _job("full", base, params, execution, own)
        points = by_ranks(job, blocks, steps)
        read_weights(model, job.directory / WEIGHTS)
    tokens = int(points["tokens"][-1])
    save_model(
        directory, model, load_tokenizer(base), made_by="warmup full", steps=points.height, tokens=tokens
    )
    return points


def _write_manifest(directory: Path, checkpoints: list[Checkpoint], params: WarmupParams) -> None:
    base = InDir(ModelManifest, directory / BASE).manifest()
    manifest = CheckpointsManifest(
        base_digest=base.digest,
        tokenizer_digest=base.tokenizer_digest,
        checkpoints=checkpoints,
        adam_beta1=params.optimizer.beta1,
        adam_beta2=params.optimizer.beta2,
        adam_epsilon=params.optimizer.epsilon,
        libraries=_libraries(),
    )
    (directory / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")


def _libraries() -> dict[str, str]:
    return libraries() | {"peft": importlib.metadata.version("peft")}


def _continued(before: pl.DataFrame, after: pl.DataFrame) -> pl.DataFrame:
    """Two curves as one: steps and tokens of the second continue those of the first."""
    if before.is_empty():
        return after
    last = before.row(-1, named=True)
    return pl.concat(
        [before, after.with_columns(pl.col("step") + last["step"], pl.col("tokens") + last["tokens"])]
    )
