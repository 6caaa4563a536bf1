"""Directions of candidate problems, each in few numbers, to score later targets without another pass over
them.

`attribute` is exact, and costs a pass over all candidates for each new set of targets; with the sketches of
this stage, scores for any targets cost a pass over the targets and one matrix product
(jz3/influence/sketch_scores.py, `jz3 influence`). They are estimates; docs/influence.md measures how exact.
Rows go through the row store, like those of `attribute`; batch size, order and padding change a sketch only
by rounding (half precision: 1 in 2,000 of a number). Costs a forward and backward pass for each drawn problem
and checkpoint, 2 x `size` bytes of disk for each, and memory for the sketches of one checkpoint.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.params import Seed
from jz3.influence.at_checkpoint import (
    CheckpointOnDisk,
    DirectionParams,
    Opened,
    checkpoints_digest,
    checkpoints_on_disk,
    opened,
    results_at,
)
from jz3.influence.checkpoints import BASE, adapter_parameters
from jz3.influence.share import draw
from jz3.influence.texts import Text, problem_texts
from jz3.lm.model import load_tokenizer
from jz3.store.row_store import Operation
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.sketch import Sketch, SketchFacts

if TYPE_CHECKING:
    from jz3.influence.countsketch import CountSketch

SKETCH = Operation("sketch", 1)
NOT_DRAWN = "sketch.not_drawn"
TOO_LONG = "sketch.too_long"


class SketchParams(DirectionParams):
    """Section `sketch`. Later targets are read in the same form."""

    share: float = Field(ge=0, le=1)
    """The share of the candidate problems, drawn by hash."""
    size: int = Field(gt=0)
    """Numbers in a sketch. The error of a cosine has a standard deviation of about 1 / sqrt(size)."""
    seed: Seed
    """The seed of the draw, and of signs and rolls."""


class SketchMetrics(BaseModel):
    """`rows` are the candidate problems."""

    rows: Ledger
    checkpoints: int
    size: int
    adapter_parameters: int
    """Weights of the adapter, which a sketch represents."""


@dataclass(frozen=True)
class SketchedProblems:
    """Frames of Sketch, one per checkpoint in key order, computed as they are read; the notes for their
    table; and the metrics.
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
    """A sketch for each drawn problem and checkpoint, except problems that are too long."""
    drawn = Problem.validate(draw(problems, params.share, params.seed))
    tokenizer = load_tokenizer(checkpoints.path / BASE)
    texts = problem_texts(tokenizer, drawn, params.max_tokens)
    at = checkpoints_on_disk(checkpoints)
    in_key_order = sorted(at, key=lambda place: place.checkpoint.directory)
    facts = SketchFacts(**params.model_dump(exclude={"share"}), checkpoints=checkpoints_digest(at))
    rejected = {NOT_DRAWN: problems.height - drawn.height, TOO_LONG: drawn.height - len(texts)}
    return SketchedProblems(
        (_at(place, texts, params, execution) for place in in_key_order),
        {name: str(value) for name, value in facts.model_dump().items()},
        SketchMetrics(
            rows=Ledger(
                read=problems.height,
                kept=len(texts),
                rejected={rule: rows for rule, rows in rejected.items() if rows},
                failed=0,
            ),
            checkpoints=len(at),
            size=params.size,
            adapter_parameters=adapter_parameters(in_key_order[-1].directory),
        ),
    )


def _at(
    place: CheckpointOnDisk, texts: list[Text], params: SketchParams, execution: Execution
) -> pl.DataFrame:
    """Rows of Sketch at one checkpoint."""
    drawn_by = {"size": params.size, "seed": params.seed}
    work = Sketching(place, params, execution)
    results = results_at(place, SKETCH, texts, params, drawn_by, work, execution)
    rows = [
        {
            "checkpoint": place.checkpoint.directory,
            "problem_id": text.row_id,
            "halves": base64.b64decode(result["halves"]),
            "loss": result["loss"],
            "solution_tokens": sum(label >= 0 for label in text.row.labels),
        }
        for text, result in zip(texts, results, strict=True)
    ]
    return pl.DataFrame(rows, schema=Sketch.create_empty().schema)


@dataclass
class Sketching:
    """A worker's job for a batch of problems. The first batch opens the checkpoint, in the worker's
    process.
    """

    place: CheckpointOnDisk
    params: SketchParams
    execution: Execution
    by: "tuple[Opened, CountSketch] | None" = None

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        from jz3.influence.countsketch import reference_sketch, sketch_directions

        if self.by is None:
            at = opened(self.place, self.params, self.execution)
            self.by = at, reference_sketch(at.reference, self.params.size, self.params.seed)
        at, sketching = self.by
        results: list[dict[str, Any]] = []
        for rows in at.batches(batch):
            found = sketch_directions(at.reference, sketching, at.direction, at.constants, rows)
            halves = found.sketches_BS.cpu().numpy().astype("<f2")
            results.extend(
                {"halves": base64.b64encode(row.tobytes()).decode(), "loss": loss}
                for row, loss in zip(halves, found.losses_B.tolist(), strict=True)
            )
        return results
