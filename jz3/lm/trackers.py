"""Trackers of a running training: DVCLive, Trackio, Weights & Biases (`execution.trackers`).

Their output differs from run to run, so none of it is an out. Each is imported only if it is asked for.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jz3.core.errors import UserError

if TYPE_CHECKING:
    from dvclive import Live

PROJECT = "jz3"
"""The project at Trackio and Weights & Biases."""


class TrackerError(UserError):
    """A tracker cannot take notes: its package or an account is missing."""


class Tracker(Protocol):
    """Takes the figures of steps; steps come in order, but some are left out."""

    def note(self, step: int, figures: Mapping[str, float]) -> None: ...

    def close(self) -> None: ...


class DvcLive:
    """Files in a folder, which `dvc plots show` draws."""

    def __init__(self, live: "Live") -> None:
        self._live = live

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        self._live.step = step
        for name, value in figures.items():
            self._live.log_metric(name, value)
        self._live.make_summary()

    def close(self) -> None:
        self._live.end()


class Logged:
    """A run of Trackio or of Weights & Biases, which have the same interface."""

    def __init__(self, run: Any) -> None:  # noqa: ANN401 (of libraries that are not always there)
        self._run = run

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        self._run.finish()


def open_trackio(what: str, *, resumed: bool) -> Tracker:
    """A run in a database in the user's cache ($TRACKIO_DIR), which `trackio show --project jz3` draws."""
    trackio = _imported("trackio")
    resume = "allow" if resumed else "never"
    # Only what a training notes.
    quiet = {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}
    return Logged(trackio.init(project=PROJECT, name=what, resume=resume, **quiet))


def open_wandb(what: str, directory: Path, *, resumed: bool) -> Tracker:
    """A run at Weights & Biases; only a folder beside `directory` if $WANDB_MODE is offline.

    Raises TrackerError if no key is known.
    """
    wandb = _imported("wandb")
    folder = directory.with_name(f"{directory.name}.wandb")
    folder.mkdir(parents=True, exist_ok=True)
    # The run holds what a training notes, but not its printed output, its code or its machine.
    settings = wandb.Settings(
        console="off", silent=True, disable_git=True, x_disable_stats=True, x_disable_meta=True
    )
    resume = "auto" if resumed else None
    try:
        run = wandb.init(project=PROJECT, name=what, dir=str(folder), resume=resume, settings=settings)
    except wandb.errors.UsageError as error:
        raise TrackerError(
            f"Weights & Biases cannot be used ({error}); a key was expected, as execution.yaml:trackers has "
            f"`wandb`. Set WANDB_API_KEY, or WANDB_MODE=offline, or take it out of the list."
        ) from error
    return Logged(run)


def _imported(name: str) -> Any:  # noqa: ANN401 (a library that is not always there)
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise TrackerError(
            f"execution.yaml:trackers has `{name}`, which is not installed; installed trackers were "
            f"expected. Run `pip install 'jz3[{name}]'`, or take it out of the list."
        ) from error
