"""What a training says while it runs, through DVCLive: loss, rate, norm, speed, fill, memory.

`dvc plots show` draws it, as does an editor with DVC's extension. Speed and memory differ from run to run, so
none of it is an out of a stage. Costs two milliseconds for each of at most POINTS points.
"""

import logging
import resource
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dvclive import Live

log = logging.getLogger(__name__)

POINTS = 200
"""Of one training (chosen: a plot shows no more)."""


def open_live(directory: Path, steps: int, *, resumed: bool) -> "LiveLog | None":
    """For a training of `steps` steps; the directory is emptied unless the training goes on.

    None in a git repository without a commit, which DVCLive cannot name.
    """
    from dvclive import Live
    from scmrepo.exceptions import SCMError

    try:
        live = Live(
            str(directory),
            resume=resumed,
            save_dvc_exp=False,
            dvcyaml=None,
            report=None,
            monitor_system=False,
        )
    except SCMError as error:
        log.info("no live notes in %s: %s", directory, error)
        return None
    return LiveLog(live, max(1, -(-steps // POINTS)))


class LiveLog:
    """Of one training, every few steps."""

    def __init__(self, live: "Live", every: int) -> None:
        self._live, self._every = live, every
        self._at, self._tokens = time.monotonic(), -1

    def note(self, step: int, point: Mapping[str, float], fill: float) -> None:
        """`point` as in LossPoint."""
        if step % self._every:
            return
        now, tokens = time.monotonic(), int(point["tokens"])
        self._live.step = step
        for name in ("loss", "learning_rate", "gradient_norm"):
            self._live.log_metric(name, point[name])
        if self._tokens >= 0:
            self._live.log_metric("tokens_per_second", (tokens - self._tokens) / max(now - self._at, 1e-9))
        self._live.log_metric("fill", fill)
        self._live.log_metric("memory_gb", _memory_gb())
        self._live.make_summary()
        self._at, self._tokens = now, tokens

    def close(self) -> None:
        self._live.end()


def _memory_gb() -> float:
    """Most that the process held at once: of the GPU where there is one, else of the machine."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
