"""The figures that a running training sends to the trackers of `execution`: loss, rate, norm, speed, fill,
memory.

`dvc plots show` draws those of DVCLive, and so does an editor with DVC's extension. Speed and memory differ
from run to run, so none of it is an out of a stage. Costs two milliseconds for each of at most POINTS points.
"""

import json
import logging
import os
import resource
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jz3.core.placing import entries
from jz3.lm.trackers import DvcLive, Tracker, open_trackio, open_wandb

log = logging.getLogger(__name__)

POINTS = 200
"""The most points of one training (chosen: a plot shows no more)."""
CURVES = ("loss", "learning_rate", "gradient_norm", "tokens_per_second", "fill", "memory_gb")
SUMMARY = "metrics.json"
"""DVCLive's file of the latest values."""


def open_live(
    what: str, directory: Path, steps: int, trackers: Sequence[str], *, resumed: bool
) -> "LiveLog | None":
    """The log of a training of `steps` steps, named `what` and the folder's name. None if no tracker takes
    notes.

    Raises TrackerError, before the first step, if a tracker cannot.
    """
    name = f"{what} {directory.name}"
    opened = [
        tracker
        for tracker in (
            _dvclive(directory, resumed=resumed) if "dvclive" in trackers else None,
            open_trackio(name, resumed=resumed) if "trackio" in trackers else None,
            open_wandb(name, directory, resumed=resumed) if "wandb" in trackers else None,
        )
        if tracker is not None
    ]
    return LiveLog(opened, max(1, -(-steps // POINTS))) if opened else None


def _dvclive(directory: Path, *, resumed: bool) -> DvcLive | None:
    """Notes in a directory, which is emptied unless the training resumes.

    None in two cases: in a git repository without a commit, which DVCLive cannot name; and if the directory
    holds something that no training noted, which emptying it would delete.
    """
    from dvclive import Live
    from scmrepo.exceptions import SCMError

    if reason := _foreign(directory):
        log.warning("no live notes: %s %s, which no training wrote", directory, reason)
        return None
    try:
        return DvcLive(
            Live(
                str(directory),
                resume=resumed,
                save_dvc_exp=False,
                dvcyaml=None,
                report=None,
                monitor_system=False,
            )
        )
    except SCMError as error:
        log.info("no live notes in %s: %s", directory, error)
        return None


def _foreign(directory: Path) -> str | None:
    """Something in the directory that is not part of the notes; None if there is nothing."""
    for place in (directory, *directory.parents):
        if os.path.lexists(place) and ((place == directory and place.is_symlink()) or not place.is_dir()):
            return f"has {place} in its way"
    if not directory.exists():
        return None
    ours = {SUMMARY, "plots", "plots/metrics", *(f"plots/metrics/{name}.tsv" for name in CURVES)}
    if others := sorted(entries(directory) - ours):
        return f"holds {others[0]}"
    if (directory / SUMMARY).exists():
        try:
            noted: Any = json.loads((directory / SUMMARY).read_bytes())
        except ValueError:
            noted = None
        if not isinstance(noted, dict) or not {*CURVES, "step"}.issuperset(noted):
            return f"holds a {SUMMARY}"
    return None


class LiveLog:
    """The log of one training, written every few steps."""

    def __init__(self, trackers: Sequence[Tracker], every: int) -> None:
        self._trackers, self._every = trackers, every
        self._at, self._tokens = time.monotonic(), -1

    def note(self, step: int, point: Mapping[str, float], fill: float) -> None:
        """Pass on the figures of a step; `point` is as in LossPoint."""
        if step % self._every:
            return
        now, tokens = time.monotonic(), int(point["tokens"])
        figures = {name: point[name] for name in CURVES[:3]}
        if self._tokens >= 0:
            figures["tokens_per_second"] = (tokens - self._tokens) / max(now - self._at, 1e-9)
        figures |= {"fill": fill, "memory_gb": _memory_gb()}
        for tracker in self._trackers:
            tracker.note(step, figures)
        self._at, self._tokens = now, tokens

    def close(self) -> None:
        for tracker in self._trackers:
            tracker.close()


def _memory_gb() -> float:
    """The most memory that the process held at once: of the GPU if there is one, else of the machine."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
