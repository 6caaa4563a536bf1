"""Candidates by the similarity of their texts to those of the target tasks, as a model sees them: RDS+.

The method of arXiv 2503.01807: the vector of a text, prompt and solution, is the mean of a model's last
hidden states, weighted by position; the similarity of a candidate and a target is the cosine of their
vectors. In the paper targets take turns, each choosing the candidate nearest to it; here a value is a
candidate's highest cosine, so that those nearest to any target come first. Neither gradients nor a warm-up
are needed: it costs one forward pass per text, kept in the row store, and a product of all vectors with those
of the targets.

Shapes: N candidates, T targets, H features.
"""

# ruff: noqa: N803, N806 (names of arrays end in their shape)

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.params import Params
from jz3.influence.checkpoints import Precision
from jz3.influence.texts import Text, encoded_texts, problem_texts, task_texts
from jz3.lm.model import load_model, load_tokenizer
from jz3.store.row_store import Operation
from jz3.tables.ledger import Ledger
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tables.value import Value
from jz3.workers.batch import workers_of
from jz3.workers.crew import open_crew
from jz3.workers.fill import fill

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

RDS = Operation("rds", 1)
METHOD = "rds_plus"
TOO_LONG = "rds.too_long"


class RdsParams(Params):
    """Section `rds`."""

    max_tokens: int = Field(gt=1)
    """Longer problems and targets are rejected."""
    precision: Precision
    """The format of matrix products; means and cosines are float32."""


class RdsMetrics(BaseModel):
    """`rows` are the candidate problems, `targets` the items of the target tasks."""

    rows: Ledger
    targets: Ledger
    tasks: int
    features: int


@dataclass(frozen=True)
class Near:
    """Rows of Value, and the metrics."""

    values: pl.DataFrame
    metrics: RdsMetrics


def rds(
    problems: dy.DataFrame[Problem],
    targets: dy.DataFrame[Target],
    model: InDir[ModelManifest],
    params: RdsParams,
    execution: Execution,
) -> Near:
    """A value for each problem that is not too long."""
    tokenizer = load_tokenizer(model.path)
    texts = problem_texts(tokenizer, problems, params.max_tokens)
    by_task = task_texts(tokenizer, targets, params.max_tokens)
    of_targets = [(task, text) for task in sorted(by_task) for text in by_task[task]]
    vectors = _vectors([*texts, *(text for _, text in of_targets)], model, params, execution)
    vectors_NH, vectors_TH = vectors[: len(texts)], vectors[len(texts) :]
    return Near(
        _values(texts, [task for task, _ in of_targets], vectors_NH @ vectors_TH.T),
        RdsMetrics(
            rows=_ledger(problems.height, len(texts)),
            targets=_ledger(targets.height, len(of_targets)),
            tasks=len(by_task),
            features=vectors.shape[1],
        ),
    )


def _vectors(
    texts: Sequence[Text], model: InDir[ModelManifest], params: RdsParams, execution: Execution
) -> NDArray[np.float32]:
    """[texts, H], of length 1 up to the rounding of half precision, in which the store keeps them."""
    manifest = model.manifest()
    shared = {
        "model": manifest.digest,
        "tokenizer": manifest.tokenizer_digest,
        "precision": params.precision,
    }
    lengths = {(text.before, text.solution): len(text.row.tokens) for text in texts}
    with open_crew(workers_of(execution)) as crew:
        results = fill(
            RDS,
            [shared | {"before": text.before, "solution": text.solution} for text in texts],
            Reading(InDir(ModelManifest, model.path.absolute()), params, execution),
            order=lambda request: -lengths[request["before"], request["solution"]],
            batch_rows=execution.generation_commit,
            what="rds",
            crew=crew,
        )
    halves = b"".join(base64.b64decode(result["halves"]) for result in results)
    return np.frombuffer(halves, "<f2").reshape(len(texts), -1).astype(np.float32)


@dataclass
class Reading:
    """A worker's job for a batch of texts. The first batch opens the model, in the worker's process."""

    model: InDir[ModelManifest]
    params: RdsParams
    execution: Execution
    by: "tuple[PreTrainedModel, PreTrainedTokenizerFast] | None" = None

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        from jz3.influence.gradients import cut_batches
        from jz3.influence.pooled_states import by_position, pooled_states

        if self.by is None:
            self.by = self._opened()
        model, tokenizer = self.by
        before, solutions = ([request[part] for request in batch] for part in ("before", "solution"))
        rows = encoded_texts(tokenizer, before, solutions, self.params.max_tokens)
        padded_tokens = self.execution.training_batch * self.params.max_tokens
        return [
            {"halves": base64.b64encode(vector.numpy().astype("<f2").tobytes()).decode()}
            for together in cut_batches(rows, padded_tokens)
            for vector in pooled_states(model, together, by_position)
        ]

    def _opened(self) -> "tuple[PreTrainedModel, PreTrainedTokenizerFast]":
        import torch

        torch.set_num_threads(self.execution.threads)
        model = load_model(self.model.path, "bfloat16" if self.params.precision == "bf16" else "float32")
        model.to(self.execution.device)  # pyright: ignore[reportArgumentType] (hidden by its decorator)
        return model.eval(), load_tokenizer(self.model.path)


def _values(texts: Sequence[Text], tasks: Sequence[str], cosines_NT: NDArray[np.float32]) -> pl.DataFrame:
    """Rows of Value; ties go to the first task by name. There is no loss, because no model predicts the
    solution.
    """
    nearest_N = cosines_NT.argmax(axis=1)
    rows = [
        {
            "problem_id": text.row_id,
            "method": METHOD,
            "value": float(cosines[target]),
            "solution_tokens": sum(label >= 0 for label in text.row.labels),
            "task": tasks[target],
        }
        for text, cosines, target in zip(texts, cosines_NT, nearest_N, strict=True)
    ]
    return pl.DataFrame(rows, schema=Value.create_empty().schema)


def _ledger(read: int, kept: int) -> Ledger:
    too_long = {TOO_LONG: read - kept} if read > kept else {}
    return Ledger(read=read, kept=kept, rejected=too_long, failed=0)
