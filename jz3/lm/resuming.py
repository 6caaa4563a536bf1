"""A training that resumes from its last checkpoint after a kill, while others may want the same training."""

import logging
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager

from jz3.core.cache import cache_root
from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json, content_id
from jz3.lm.checkpoints import CheckpointError, Checkpoints, hold, steps_between
from jz3.lm.training import LOOP_VERSION

log = logging.getLogger(__name__)


@contextmanager
def resumable(
    what: str, identity: Mapping[str, str], steps: int, execution: Execution, beside: Sequence[str] = ()
) -> Generator[Checkpoints | None]:
    """The checkpoints of a training of `steps` steps; deleted if the block ends without an error.

    - `identity`: everything that determines the weights, except the loop.
    - `beside`: further files that the training keeps in the same directory for resuming, which are deleted,
      too.

    None if another process runs the same training: simultaneous experiments may begin alike, and both then
    get the same weights.
    """
    identity = {**identity, "version": str(LOOP_VERSION)}
    directory = cache_root() / "checkpoints" / content_id(what, canonical_json(identity))
    try:
        held = hold(directory)
    except CheckpointError as error:
        log.info("%s: this one trains without checkpoints", error)
        yield None
        return
    every = steps_between(execution, steps)
    checkpoints = Checkpoints(directory, identity, every, execution.checkpoints_kept)
    try:
        yield checkpoints
        checkpoints.discard(*(directory / name for name in beside))
    finally:
        held.release()
