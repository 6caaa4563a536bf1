"""What a training says while it runs, through DVCLive: loss, rate, norm, speed, fill, memory.

`dvc plots show` draws it, as does an editor with DVC's extension. Speed and memory differ from run to run, so
none of it is an out of a stage. Costs two milliseconds for each of at most POINTS points.
"""

import resource
import time
from collections.abc import Mapping
from pathlib import Path

POINTS = 200
"""Of one training (chosen: a plot shows no more)."""


class LiveLog:
    """Of one training of `steps` steps; the directory is emptied unless the training goes on."""

    def __init__(self, directory: Path, steps: int, *, resumed: bool) -> None:
        from dvclive import Live

        self._every = max(1, -(-steps // POINTS))
        self._live = Live(
            str(directory),
            resume=resumed,
            save_dvc_exp=False,
            dvcyaml=None,
            report=None,
            monitor_system=False,
        )
        self._at, self._tokens = time.monotonic(), -1

    def note(self, step: int, point: Mapping[str, float], fill: float) -> None:
        """`point` as in LossPoint; nothing happens but at every few steps."""
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
