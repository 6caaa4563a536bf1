"""A training that goes on from its last checkpoint after a kill, beside others that may want the same."""

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
    """Where a killed training of `steps` steps goes on; deleted once the block ends without an error.

    `identity` names everything that determines the weights but the loop. What the training keeps in the same
    directory for its own resume is named in `beside` and deleted with it. None where another process trains
    the same: two may, as experiments side by side begin alike, and both get the same weights.
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
