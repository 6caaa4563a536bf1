"""The influence of each candidate problem on each target task, as LESS defines it but without projection.

score(z, task) = sum over checkpoints of mean learning rate x cos(direction of z, mean gradient of the task).
Gradients are exact and of the adapter only; the loss is the mean over the solution's tokens. The row store
keeps each row's cosines at a checkpoint: a killed run resumes, and more candidates cost only the new ones. In
float32 batch size, order and padding change a score only by rounding (under 1e-5 of the learning rates' sum);
in bf16 matrix products are rounded, but sums are float32. Costs one forward and backward pass for each
problem and checkpoint, and for each target as long as any problem is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.hashing import content_id
from jz3.influence.at_checkpoint import (
    CheckpointOnDisk,
    DirectionParams,
    Opened,
    checkpoints_on_disk,
    opened,
    results_at,
)
from jz3.influence.checkpoints import BASE, adapter_parameters
from jz3.influence.texts import Text, problem_texts, task_texts
from jz3.lm.encode import EncodedRow
from jz3.lm.model import load_tokenizer
from jz3.store.row_store import Operation
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.target import Target

if TYPE_CHECKING:
    from jz3.influence.similarity import TaskGradients

ATTRIBUTE = Operation("attribute", 1)
TOO_LONG = "attribute.too_long"


class AttributeParams(DirectionParams):
    """Section `attribute`."""


class AttributeMetrics(BaseModel):
    """`rows` are the candidate problems, `targets` the items of the target tasks."""

    rows: Ledger
    targets: Ledger
    tasks: int
    checkpoints: int
    adapter_parameters: int
    mean_loss: float
    """Mean over the problems at the last checkpoint, in nats per solution token."""
    checkpoint_agreement: float | None
    """Spearman correlation of the problems' values at the first and the last checkpoint alone; null if there
    is only one checkpoint, or if values do not differ.
    """


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
    """A score for each pair of problem and task, except problems that are too long."""
    import torch

    torch.set_num_threads(execution.threads)
    at = checkpoints_on_disk(checkpoints)
    tokenizer = load_tokenizer(checkpoints.path / BASE)
    texts = problem_texts(tokenizer, problems, params.max_tokens)
    by_task = task_texts(tokenizer, targets, params.max_tokens)
    digests = {"targets": {task: _targets_digest(by_task[task]) for task in by_task}}
    rows = {task: [text.row for text in of_task] for task, of_task in by_task.items()}
    results = [
        results_at(
            place, ATTRIBUTE, texts, params, digests, Scoring(place, rows, params, execution), execution
        )
        for place in at
    ]
    weights = [place.checkpoint.mean_learning_rate for place in at]
    scores = _scores(texts, sorted(by_task), results, weights)
    kept_targets = sum(map(len, by_task.values()))
    return Attributed(
        scores,
        AttributeMetrics(
            rows=_ledger(problems.height, len(texts)),
            targets=_ledger(targets.height, kept_targets),
            tasks=len(by_task),
            checkpoints=len(results),
            adapter_parameters=adapter_parameters(at[-1].directory),
            mean_loss=sum(row["loss"] for row in results[-1]) / max(1, len(texts)),
            checkpoint_agreement=_agreement(results[0], results[-1]) if len(results) > 1 else None,
        ),
    )


@dataclass
class Scoring:
    """A worker's job for a batch of problems: cosines (by task) and loss of each. The first batch opens the
    checkpoint and computes the tasks' gradients, in the worker's process.
    """

    place: CheckpointOnDisk
    targets: Mapping[str, list[EncodedRow]]
    params: AttributeParams
    execution: Execution
    against: "tuple[Opened, TaskGradients] | None" = None

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        from jz3.influence.similarity import similarities, task_gradients

        if self.against is None:
            at = opened(self.place, self.params, self.execution)
            self.against = at, task_gradients(at.reference, self.targets, at.padded_tokens)
        at, tasks = self.against
        return [
            asdict(similarity)
            for rows in at.batches(batch)
            for similarity in similarities(at.reference, tasks, at.direction, at.constants, rows)
        ]


def _targets_digest(texts: list[Text]) -> str:
    return content_id(*(part for text in texts for part in (text.before, text.solution)))


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
