"""Estimated scores of sketched problems for targets that came later; `attribute` computes the exact ones.

The score is the sum over checkpoints of mean learning rate x cosine; the cosine is the inner product of two
sketches, with an error of about 1 / sqrt(size). Costs a pass for each target and checkpoint, and reading the
sketches once; no candidate goes through the model.
"""

# ruff: noqa: N803, N806 (names of tensors end in their shape)

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dataframely as dy
import numpy as np
import polars as pl
from numpy.typing import NDArray

from jz3.core.artifacts import In, InDir
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.influence.at_checkpoint import CheckpointOnDisk, checkpoints_digest, checkpoints_on_disk
from jz3.influence.checkpoints import BASE, open_checkpoint
from jz3.influence.texts import Text, task_texts
from jz3.lm.model import load_tokenizer
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.sketch import Sketch, SketchFacts
from jz3.tables.target import Target

if TYPE_CHECKING:
    import torch

ROWS_AT_ONCE = 2_000
"""Sketches that are read together (chosen: of 32,768 numbers, 130 MB in half precision)."""


def sketch_scores(
    sketches: In[Sketch],
    targets: dy.DataFrame[Target],
    checkpoints: InDir[CheckpointsManifest],
    execution: Execution,
) -> pl.DataFrame:
    """Rows of InfluenceScore, for each sketched problem and task.

    Raises UserError if the sketches were made at other checkpoints, or if no target of a task fits.
    """
    import torch

    torch.set_num_threads(execution.threads)
    facts, at = SketchFacts.model_validate(sketches.notes()), checkpoints_on_disk(checkpoints)
    if facts.checkpoints != checkpoints_digest(at):
        raise UserError(
            f"{sketches.path} was made at other checkpoints than {checkpoints.path} holds; sketches of these "
            f"were expected. Run `dvc repro sketch`."
        )
    by_task = task_texts(load_tokenizer(checkpoints.path / BASE), targets, facts.max_tokens)
    tasks_KS = {place.checkpoint.directory: _task_sketches(place, by_task, facts, execution) for place in at}
    frames = _cosines(sketches, facts.size, sorted(by_task), tasks_KS)
    order = pl.DataFrame(
        {
            "checkpoint": [place.checkpoint.directory for place in at],
            "place": range(len(at)),
            "weight": [place.checkpoint.mean_learning_rate for place in at],
        }
    )
    return (
        pl.concat([pl.DataFrame(schema=_COSINES), *frames])
        .join(order, on="checkpoint")
        .sort("problem_id", "task", "place")
        .group_by("problem_id", "task", maintain_order=True)
        .agg(
            score=(pl.col("weight") * pl.col("cosine")).sum(),
            cosines=pl.col("cosine"),
            loss=pl.col("loss").last(),
            solution_tokens=pl.col("solution_tokens").last(),
        )
        .select(InfluenceScore.create_empty().columns)
    )


_COSINES = pl.Schema(
    {
        "problem_id": pl.String,
        "checkpoint": pl.String,
        "loss": pl.Float64,
        "solution_tokens": pl.Int64,
        "task": pl.String,
        "cosine": pl.Float64,
    }
)


def _task_sketches(
    place: CheckpointOnDisk,
    by_task: dict[str, list[Text]],
    facts: SketchFacts,
    execution: Execution,
) -> "torch.Tensor":
    """[K, S]: sketches of the mean gradients of the tasks, each scaled to length 1, in order of task
    names.
    """
    from jz3.influence.countsketch import reference_sketch, sketch_tasks
    from jz3.influence.similarity import task_gradients

    reference = open_checkpoint(place.base, place.directory, facts.precision, execution.device)
    rows = {task: [text.row for text in texts] for task, texts in by_task.items()}
    tasks = task_gradients(reference, rows, execution.training_batch * facts.max_tokens)
    return sketch_tasks(reference_sketch(reference, facts.size, facts.seed), tasks).cpu()


def _cosines(
    sketches: In[Sketch], size: int, tasks: list[str], tasks_KS: "dict[str, torch.Tensor]"
) -> Iterator[pl.DataFrame]:
    """Frames with the columns of _COSINES."""
    for rows in sketches.frames(ROWS_AT_ONCE):
        for of_one in rows.partition_by("checkpoint", maintain_order=True):
            directory = of_one["checkpoint"][0]
            found = _numbers(of_one["halves"], size) @ tasks_KS[directory].numpy().T
            for place, task in enumerate(tasks):
                yield (
                    of_one.drop("halves")
                    .with_columns(task=pl.lit(task), cosine=pl.Series(found[:, place], dtype=pl.Float64))
                    .select(_COSINES.names())
                )


def _numbers(halves: pl.Series, size: int) -> NDArray[np.float32]:
    """[rows, S]: the numbers of sketches."""
    flat = np.frombuffer(b"".join(halves.to_list()), "<f2")
    return flat.reshape(len(halves), size).astype(np.float32)
