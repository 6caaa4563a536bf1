"""The influence of each candidate problem on each target task, as LESS defines it but without projection.

score(z, task) = sum over checkpoints of mean learning rate x cos(direction of z, mean gradient of the task).
Gradients are exact and of the adapter alone; the loss is the mean over the solution's tokens. Each row's
cosines at a checkpoint go through the row store: a killed run resumes, more candidates cost the new ones
alone. In float32 a score depends on batch size, order and padding by rounding only (under 1e-5 of the
learning rates' sum); in bf16 matrix products are rounded, sums are float32. Costs one forward and backward
pass for each problem and checkpoint, and for each target as long as any problem is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.hashing import content_id, files_digest
from jz3.core.params import Params
from jz3.influence.checkpoints import BASE, Precision, adapter_parameters, open_checkpoint
from jz3.influence.texts import Text, encoded_texts, problem_texts, task_texts
from jz3.lm.encode import EncodedRow
from jz3.lm.model import load_tokenizer
from jz3.store.rows import Operation
from jz3.tables.checkpoints_manifest import Checkpoint, CheckpointsManifest
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.workers.batch import workers_of
from jz3.workers.fill import fill

ATTRIBUTE = Operation("attribute", 1)
TOO_LONG = "attribute.too_long"


class AttributeParams(Params):
    """Section `attribute`."""

    max_tokens: int = Field(gt=1)
    """Longer problems and targets are rejected."""
    direction: Literal["adam", "adam_epsilon_inside", "plain"]
    """`adam` with the epsilon outside the root (paper of LESS), `adam_epsilon_inside` (its released code), or
    `plain` gradients."""
    precision: Precision
    """Of the matrix products; sums are float32 in both."""


class AttributeMetrics(BaseModel):
    """`rows` are the candidate problems, `targets` the items of the target tasks."""

    rows: Ledger
    targets: Ledger
    tasks: int
    checkpoints: int
    adapter_parameters: int
    mean_loss: float
    """Of the problems at the last checkpoint, nats a solution token."""
    checkpoint_agreement: float | None
    """Spearman correlation of the problems' values at the first and the last checkpoint alone; null where
    there is one checkpoint, or values do not differ."""


@dataclass(frozen=True)
class Attributed:
    """Rows of InfluenceScore, and the metrics."""

    scores: pl.DataFrame
    metrics: AttributeMetrics


def attribute(
    problems: dy.DataFrame[Problem],
    targets: dy.DataFrame[Target],
    checkpoints: InDir[CheckpointsManifest],
    params: AttributeParams,
    execution: Execution,
) -> Attributed:
    """A score for each pair of problem and task, problems that are too long left out."""
    import torch

    torch.set_num_threads(execution.threads)
    manifest = checkpoints.manifest()
    tokenizer = load_tokenizer(checkpoints.path / BASE)
    texts = problem_texts(tokenizer, problems, params.max_tokens)
    by_task = task_texts(tokenizer, targets, params.max_tokens)
    results = [
        _at_checkpoint(checkpoints, manifest, checkpoint, texts, by_task, params, execution)
        for checkpoint in manifest.checkpoints
    ]
    weights = [checkpoint.mean_learning_rate for checkpoint in manifest.checkpoints]
    scores = _scores(texts, sorted(by_task), results, weights)
    kept_targets = sum(map(len, by_task.values()))
    return Attributed(
        scores,
        AttributeMetrics(
            rows=_ledger(problems.height, len(texts)),
            targets=_ledger(targets.height, kept_targets),
            tasks=len(by_task),
            checkpoints=len(results),
            adapter_parameters=adapter_parameters(checkpoints.path / manifest.checkpoints[-1].directory),
            mean_loss=sum(row["loss"] for row in results[-1]) / max(1, len(texts)),
            checkpoint_agreement=_agreement(results[0], results[-1]) if len(results) > 1 else None,
        ),
    )


def _at_checkpoint(
    checkpoints: InDir[CheckpointsManifest],
    manifest: CheckpointsManifest,
    checkpoint: Checkpoint,
    texts: list[Text],
    by_task: dict[str, list[Text]],
    params: AttributeParams,
    execution: Execution,
) -> list[dict[str, Any]]:
    """Cosines (by task) and loss of each text, from the store or computed now; longest texts first."""
    lengths = {(text.before, text.solution): len(text.row.tokens) for text in texts}
    directory = checkpoints.path / checkpoint.directory
    shared = {
        "base": manifest.base_digest,
        "checkpoint": files_digest(directory.iterdir(), directory),
        "constants": [manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon],
        "direction": params.direction,
        "precision": params.precision,
        "targets": {task: _targets_digest(by_task[task]) for task in by_task},
    }
    requests = [shared | {"before": text.before, "solution": text.solution} for text in texts]
    return fill(
        ATTRIBUTE,
        requests,
        Scoring(
            checkpoints,
            checkpoint,
            {task: [text.row for text in rows] for task, rows in by_task.items()},
            params,
            execution,
        ),
        order=lambda request: -lengths[request["before"], request["solution"]],
        batch_rows=execution.generation_commit,
        what=f"attribute at {checkpoint.directory}",
        workers=workers_of(execution),
    )


@dataclass
class Scoring:
    """What a worker does with a batch of problems. Its first batch opens the checkpoint and takes the tasks'
    gradients, in whatever process that is.
    """

    checkpoints: InDir[CheckpointsManifest]
    checkpoint: Checkpoint
    targets: Mapping[str, list[EncodedRow]]
    params: AttributeParams
    execution: Execution
    score: "Score | None" = None

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        if self.score is None:
            self.score = _scorer(self.checkpoints, self.checkpoint, self.targets, self.params, self.execution)
        return self.score([row["before"] for row in batch], [row["solution"] for row in batch])


Score = Callable[[Sequence[str], Sequence[str]], list[dict[str, Any]]]
"""Cosines and loss of problems, given what stands before their solutions, and the solutions."""


def _targets_digest(texts: list[Text]) -> str:
    return content_id(*(part for text in texts for part in (text.before, text.solution)))


def _scorer(
    checkpoints: InDir[CheckpointsManifest],
    checkpoint: Checkpoint,
    targets: Mapping[str, list[EncodedRow]],
    params: AttributeParams,
    execution: Execution,
) -> Score:
    """Opens the checkpoint, takes the tasks' gradients; gives what computes the results of rows.

    As much goes through the model at once as in a step of a training with blocks of `max_tokens`.
    """
    import torch

    from jz3.influence.directions import DIRECTIONS, AdamConstants
    from jz3.influence.gradients import cut_batches
    from jz3.influence.similarity import similarities, task_gradients

    torch.set_num_threads(execution.threads)
    padded_tokens = execution.training_batch * params.max_tokens
    directory = checkpoints.path / checkpoint.directory
    reference = open_checkpoint(checkpoints.path / BASE, directory, params.precision, execution.device)
    tokenizer = load_tokenizer(checkpoints.path / BASE)
    tasks = task_gradients(reference, targets, padded_tokens)
    manifest = checkpoints.manifest()
    constants = AdamConstants(manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon)
    direction = DIRECTIONS[params.direction]

    def score(before: Sequence[str], solutions: Sequence[str]) -> list[dict[str, Any]]:
        rows = encoded_texts(tokenizer, before, solutions, params.max_tokens)
        return [
            asdict(similarity)
            for batch in cut_batches(rows, padded_tokens)
            for similarity in similarities(reference, tasks, direction, constants, batch)
        ]

    return score


def _scores(
    texts: list[Text], tasks: list[str], results: list[list[dict[str, Any]]], weights: list[float]
) -> pl.DataFrame:
    rows = [
        {
            "problem_id": text.row_id,
            "task": task,
            "score": sum(
                weight * at_checkpoint[i]["cosines"][task]
                for weight, at_checkpoint in zip(weights, results, strict=True)
            ),
            "cosines": [at_checkpoint[i]["cosines"][task] for at_checkpoint in results],
            "loss": results[-1][i]["loss"],
            "solution_tokens": sum(label >= 0 for label in text.row.labels),
        }
        for i, text in enumerate(texts)
        for task in tasks
    ]
    return pl.DataFrame(rows, schema=InfluenceScore.create_empty().schema)


def _agreement(first: list[dict[str, Any]], last: list[dict[str, Any]]) -> float | None:
    values = [[max(row["cosines"].values()) for row in rows] for rows in (first, last)]
    frame = pl.DataFrame(values, schema={"first": pl.Float64, "last": pl.Float64})
    if frame["first"].n_unique() < 2 or frame["last"].n_unique() < 2:
        return None
    return frame.select(pl.corr("first", "last", method="spearman")).item()


def _ledger(read: int, kept: int) -> Ledger:
    too_long = {TOO_LONG: read - kept} if read > kept else {}
    return Ledger(read=read, kept=kept, rejected=too_long, failed=0)
