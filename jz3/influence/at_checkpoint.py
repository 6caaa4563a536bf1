"""Texts at a checkpoint of the reference model: the keys of their rows in the store, and the order of work.

`attribute` and `sketch` differ only in how they use a direction; this module decides what goes through the
model, and when. Costs reading the files of each checkpoint once, for its digest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from jz3.core.artifacts import InDir
from jz3.core.execution import Execution
from jz3.core.hashing import content_id, files_digest
from jz3.core.params import Params
from jz3.influence.checkpoints import BASE, Precision, open_checkpoint
from jz3.influence.texts import Text, encoded_texts
from jz3.lm.encode import EncodedRow
from jz3.lm.model import load_tokenizer
from jz3.store.row_store import Operation
from jz3.tables.checkpoints_manifest import Checkpoint, CheckpointsManifest
from jz3.workers.batch import Work, workers_of
from jz3.workers.crew import open_crew
from jz3.workers.fill import fill

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from jz3.influence.checkpoints import Reference
    from jz3.influence.directions import AdamConstants, Direction


class DirectionParams(Params):
    """How the direction of a problem is computed."""

    max_tokens: int = Field(gt=1)
    """Longer problems and targets are rejected."""
    direction: Literal["adam", "adam_epsilon_inside", "plain"]
    """`adam` has the epsilon outside the root (LESS's paper), `adam_epsilon_inside` inside (its released
    code); `plain` uses plain gradients.
    """
    precision: Precision
    """The format of matrix products; sums are float32 in both cases."""


@dataclass(frozen=True)
class CheckpointOnDisk:
    """A checkpoint on disk."""

    checkpoints: InDir[CheckpointsManifest]
    checkpoint: Checkpoint
    digest: str
    """Digest of its weights and moments."""

    @property
    def base(self) -> Path:
        return self.checkpoints.path / BASE

    @property
    def directory(self) -> Path:
        return self.checkpoints.path / self.checkpoint.directory


def checkpoints_on_disk(checkpoints: InDir[CheckpointsManifest]) -> list[CheckpointOnDisk]:
    """All checkpoints in epoch order, with absolute paths, since a worker on a cluster may run in another
    directory.
    """
    checkpoints = InDir(checkpoints.kind, checkpoints.path.absolute())
    found: list[CheckpointOnDisk] = []
    for checkpoint in checkpoints.manifest().checkpoints:
        directory = checkpoints.path / checkpoint.directory
        found.append(CheckpointOnDisk(checkpoints, checkpoint, files_digest(directory.iterdir(), directory)))
    return found


def checkpoints_digest(found: Sequence[CheckpointOnDisk]) -> str:
    """Digest of the base and all checkpoints; there must be at least one."""
    return content_id(found[0].checkpoints.manifest().base_digest, *(one.digest for one in found))


def results_at(
    place: CheckpointOnDisk,
    operation: Operation,
    texts: Sequence[Text],
    params: DirectionParams,
    more: Mapping[str, Any],
    work: Work,
    execution: Execution,
) -> list[dict[str, Any]]:
    """The result of each text, from the store or computed now; longest texts first.

    `more` is everything else that determines a result, besides checkpoint, form of the direction, and text.
    """
    lengths = {(text.before, text.solution): len(text.row.tokens) for text in texts}
    manifest = place.checkpoints.manifest()
    shared = {
        "base": manifest.base_digest,
        "checkpoint": place.digest,
        "constants": [manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon],
        "direction": params.direction,
        "precision": params.precision,
        **more,
    }
    with open_crew(workers_of(execution)) as crew:  # a worker holds one checkpoint at a time
        return fill(
            operation,
            [shared | {"before": text.before, "solution": text.solution} for text in texts],
            work,
            order=lambda request: -lengths[request["before"], request["solution"]],
            batch_rows=execution.generation_commit,
            what=f"{operation.name} at {place.checkpoint.directory}",
            crew=crew,
        )


@dataclass(frozen=True)
class Opened:
    """A checkpoint in memory, and the form of its directions."""

    reference: "Reference"
    tokenizer: "PreTrainedTokenizerFast"
    direction: "Direction"
    constants: "AdamConstants"
    max_tokens: int
    padded_tokens: int
    """Tokens that go through the model together: as many as in a step of a training with blocks of
    `max_tokens`.
    """

    def batches(self, requests: Sequence[Mapping[str, Any]]) -> list[Sequence[EncodedRow]]:
        """The texts of requests, in order, cut into batches for the model."""
        from jz3.influence.gradients import cut_batches

        before, solutions = ([request[part] for request in requests] for part in ("before", "solution"))
        rows = encoded_texts(self.tokenizer, before, solutions, self.max_tokens)
        return cut_batches(rows, self.padded_tokens)


def opened(place: CheckpointOnDisk, params: DirectionParams, execution: Execution) -> Opened:
    """Open a checkpoint in the calling process, and set its number of threads."""
    import torch

    from jz3.influence.directions import DIRECTIONS, AdamConstants

    torch.set_num_threads(execution.threads)
    manifest = place.checkpoints.manifest()
    return Opened(
        open_checkpoint(place.base, place.directory, params.precision, execution.device),
        load_tokenizer(place.base),
        DIRECTIONS[params.direction],
        AdamConstants(manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon),
        params.max_tokens,
        execution.training_batch * params.max_tokens,
    )
