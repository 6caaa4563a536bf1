"""Directions of candidate problems, each in few numbers, to score later targets without another pass.

`attribute` is exact, and costs a pass over all candidates for each new set of targets; from the sketches that
this stage leaves, scores for any targets are a pass over the targets and one matrix product
(jz3/influence/sketch_scores.py, `jz3 influence`). They are estimates: how exact, docs/influence.md measures.
Rows go through the row store, as those of `attribute`; a sketch depends on batch size, order and padding by
rounding only (half precision: 1 in 2,000 of a number). Costs a forward and backward pass for each drawn
problem and checkpoint, 2 x `size` bytes of each on disk, and in memory the sketches of one checkpoint.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.hashing import content_id, files_digest
from jz3.core.params import Params
from jz3.influence.checkpoints import BASE, Precision, adapter_parameters, open_checkpoint
from jz3.influence.share import draw
from jz3.influence.texts import Text, encoded_texts, problem_texts
from jz3.lm.model import load_tokenizer
from jz3.store.rows import Operation
from jz3.tables.checkpoints_manifest import Checkpoint, CheckpointsManifest
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.sketch import Sketch, SketchFacts
from jz3.workers.batch import workers_of
from jz3.workers.fill import fill

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from jz3.influence.checkpoints import Reference
    from jz3.influence.countsketch import CountSketch

SKETCH = Operation("sketch", 1)
NOT_DRAWN = "sketch.not_drawn"
TOO_LONG = "sketch.too_long"


class SketchParams(Params):
    """Section `sketch`."""

    share: float = Field(ge=0, le=1)
    """Of the candidate problems, drawn by hash."""
    size: int = Field(gt=0)
    """Numbers of a sketch. The error of a cosine has a standard deviation of about 1 / sqrt(size)."""
    seed: int
    """Of the draw, and of signs and rolls."""
    max_tokens: int = Field(gt=1)
    """Longer problems, and later longer targets, are rejected."""
    direction: Literal["adam", "adam_epsilon_inside", "plain"]
    """As in `attribute`."""
    precision: Precision
    """Of the matrix products; sums are float32 in both."""


class SketchMetrics(BaseModel):
    """`rows` are the candidate problems."""

    rows: Ledger
    checkpoints: int
    size: int
    adapter_parameters: int
    """What a sketch stands for."""


@dataclass(frozen=True)
class SketchedProblems:
    """Rows of Sketch, a frame a checkpoint in key order, computed as they are read; what is to be noted with
    them; and the metrics.
    """

    frames: Iterator[pl.DataFrame]
    facts: dict[str, str]
    metrics: SketchMetrics


def sketch(
    problems: dy.DataFrame[Problem],
    checkpoints: InDir[CheckpointsManifest],
    params: SketchParams,
    execution: Execution,
) -> SketchedProblems:
    """A sketch for each drawn problem and checkpoint, problems that are too long left out."""
    manifest = checkpoints.manifest()
    drawn = Problem.validate(draw(problems, params.share, params.seed))
    tokenizer = load_tokenizer(checkpoints.path / BASE)
    texts = problem_texts(tokenizer, drawn, params.max_tokens)
    in_key_order = sorted(manifest.checkpoints, key=lambda checkpoint: checkpoint.directory)
    facts = SketchFacts(
        **params.model_dump(exclude={"share"}), checkpoints=checkpoints_digest(checkpoints, manifest)
    )
    rejected = {NOT_DRAWN: problems.height - drawn.height, TOO_LONG: drawn.height - len(texts)}
    return SketchedProblems(
        (_at_checkpoint(checkpoints, checkpoint, texts, params, execution) for checkpoint in in_key_order),
        {name: str(value) for name, value in facts.model_dump().items()},
        SketchMetrics(
            rows=Ledger(
                read=problems.height,
                kept=len(texts),
                rejected={rule: rows for rule, rows in rejected.items() if rows},
                failed=0,
            ),
            checkpoints=len(manifest.checkpoints),
            size=params.size,
            adapter_parameters=adapter_parameters(checkpoints.path / in_key_order[-1].directory),
        ),
    )


def checkpoints_digest(checkpoints: InDir[CheckpointsManifest], manifest: CheckpointsManifest) -> str:
    """By their weights and moments."""
    directories = [checkpoints.path / checkpoint.directory for checkpoint in manifest.checkpoints]
    return content_id(
        manifest.base_digest, *(files_digest(directory.iterdir(), directory) for directory in directories)
    )


def _at_checkpoint(
    checkpoints: InDir[CheckpointsManifest],
    checkpoint: Checkpoint,
    texts: list[Text],
    params: SketchParams,
    execution: Execution,
) -> pl.DataFrame:
    """Rows of Sketch, from the store or computed now; longest texts first."""
    lengths = {(text.before, text.solution): len(text.row.tokens) for text in texts}
    manifest, directory = checkpoints.manifest(), checkpoints.path / checkpoint.directory
    shared = {
        "base": manifest.base_digest,
        "checkpoint": files_digest(directory.iterdir(), directory),
        "constants": [manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon],
        "direction": params.direction,
        "precision": params.precision,
        "size": params.size,
        "seed": params.seed,
    }
    results = fill(
        SKETCH,
        [shared | {"before": text.before, "solution": text.solution} for text in texts],
        Sketching(checkpoints, checkpoint, params, execution),
        order=lambda request: -lengths[request["before"], request["solution"]],
        batch_rows=execution.generation_commit,
        what=f"sketch at {checkpoint.directory}",
        workers=workers_of(execution),
    )
    rows = [
        {
            "checkpoint": checkpoint.directory,
            "problem_id": text.row_id,
            "halves": base64.b64decode(result["halves"]),
            "loss": result["loss"],
            "solution_tokens": sum(label >= 0 for label in text.row.labels),
        }
        for text, result in zip(texts, results, strict=True)
    ]
    return pl.DataFrame(rows, schema=Sketch.create_empty().schema)


@dataclass(frozen=True)
class Opened:
    """A checkpoint, and how its directions are sketched."""

    reference: "Reference"
    sketch: "CountSketch"
    tokenizer: "PreTrainedTokenizerFast"


@dataclass
class Sketching:
    """What a worker does with a batch of problems. Its first batch opens the checkpoint, in whatever process
    that is.
    """

    checkpoints: InDir[CheckpointsManifest]
    checkpoint: Checkpoint
    params: SketchParams
    execution: Execution
    opened: Opened | None = None

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        from jz3.influence.countsketch import sketch_directions
        from jz3.influence.directions import DIRECTIONS, AdamConstants
        from jz3.influence.gradients import cut_batches

        if self.opened is None:
            self.opened = self._open()
        opened, manifest = self.opened, self.checkpoints.manifest()
        before, solutions = [row["before"] for row in batch], [row["solution"] for row in batch]
        rows = encoded_texts(opened.tokenizer, before, solutions, self.params.max_tokens)
        results: list[dict[str, Any]] = []
        for part in cut_batches(rows, self.execution.training_batch * self.params.max_tokens):
            found = sketch_directions(
                opened.reference,
                opened.sketch,
                DIRECTIONS[self.params.direction],
                AdamConstants(manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon),
                part,
            )
            halves = found.sketches_BS.cpu().numpy().astype("<f2")
            results.extend(
                {"halves": base64.b64encode(row.tobytes()).decode(), "loss": loss}
                for row, loss in zip(halves, found.losses_B.tolist(), strict=True)
            )
        return results

    def _open(self) -> Opened:
        import torch

        from jz3.influence.countsketch import reference_sketch

        torch.set_num_threads(self.execution.threads)
        base, directory = self.checkpoints.path / BASE, self.checkpoints.path / self.checkpoint.directory
        reference = open_checkpoint(base, directory, self.params.precision, self.execution.device)
        sketching = reference_sketch(reference, self.params.size, self.params.seed)
        return Opened(reference, sketching, load_tokenizer(base))
