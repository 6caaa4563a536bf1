"""Who takes notes of a training while it runs: DVCLive, Trackio, Weights & Biases (`execution.trackers`).

They differ from run to run, so that none of what they write is an out. Each is imported when it is asked for.
"""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from jz3.core.errors import UserError

if TYPE_CHECKING:
    from dvclive import Live

PROJECT = "jz3"
"""At Trackio and Weights & Biases."""


class TrackerError(UserError):
    """A tracker cannot take notes: its package, or an account, is missing."""


class Tracker(Protocol):
    """Takes the figures of a step; steps come in order, some are left out."""

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
    """A run of Trackio or of Weights & Biases, which are called alike."""

    def __init__(self, run: Any) -> None:  # noqa: ANN401 (of libraries that are not always there)
        self._run = run

    def note(self, step: int, figures: Mapping[str, float]) -> None:
        self._run.log(dict(figures), step=step)

    def close(self) -> None:
        self._run.finish()


def open_trackio(what: str, *, resumed: bool) -> Tracker:
    """Rows of a database in the user's cache ($TRACKIO_DIR), which `trackio show --project jz3` draws."""
    trackio = _imported("trackio")
    resume = "allow" if resumed else "never"
    # What a training notes, and no more.
    quiet = {"embed": False, "auto_log_gpu": False, "auto_log_cpu": False}
    return Logged(trackio.init(project=PROJECT, name=what, resume=resume, **quiet))


def open_wandb(what: str, directory: Path, *, resumed: bool) -> Tracker:
    """A run at Weights & Biases; where $WANDB_MODE is offline, a folder beside `directory` alone.

    Raises TrackerError where no key is known.
    """
    wandb = _imported("wandb")
    folder = directory.with_name(f"{directory.name}.wandb")
    folder.mkdir(parents=True, exist_ok=True)
    # The run holds what a training notes, and neither what is printed nor the code and machine it ran on.
    settings = wandb.Settings(
        console="off", silent=True, disable_git=True, x_disable_stats=True, x_disable_meta=True
    )
    resume = "auto" if resumed else None
    try:
        run = wandb.init(project=PROJECT, name=what, dir=str(folder), resume=resume, settings=settings)
    except wandb.errors.UsageError as error:
        raise TrackerError(
            f"Weights & Biases takes no notes ({error}); a key was expected, as execution.yaml:trackers has "
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
            f"execution.yaml:trackers has `{name}`, which is not installed; trackers that are were expected. "
            f"Run `pip install 'jz3[{name}]'`, or take it out of the list."
        ) from error
