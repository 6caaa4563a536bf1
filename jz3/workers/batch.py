"""What workers are given and what comes back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jz3.core.execution import Execution

Request = Mapping[str, Any]
Work = Callable[[Sequence[Request]], Sequence[Mapping[str, Any]]]
"""A result for each request of a batch, in order."""


@dataclass(frozen=True)
class Workers:
    """Who computes: one worker is the stage's own process, more are actors of Ray."""

    count: int
    threads: int
    """Cores of each."""
    gpus: int
    """GPUs of each."""
    address: str | None
    """Of a running Ray cluster; None: Ray is started on this machine, and ended afterwards."""


def workers_of(execution: Execution) -> Workers:
    """For a model."""
    gpus = execution.worker_gpus if execution.device == "cuda" else 0
    return Workers(execution.workers, execution.threads, gpus, execution.ray_address)


def program_workers(execution: Execution) -> Workers:
    """Each with a core for every interpreter that runs programs, and no GPU."""
    return Workers(execution.workers, execution.sandbox_workers, 0, execution.ray_address)


@dataclass(frozen=True)
class Batch:
    """Rows that are computed together and committed whole."""

    keys: list[str]
    requests: list[Request]
    deaths: int = 0
    """Workers that ended while they had these rows."""

    def halves(self) -> "list[Batch]":
        middle = len(self.keys) // 2
        return [
            Batch(self.keys[part], self.requests[part], self.deaths)
            for part in (slice(middle), slice(middle, None))
        ]


@dataclass(frozen=True)
class Computed:
    """A batch that is done."""

    batch: Batch
    results: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Lost:
    """A row that ends its workers, so that nobody computes it again in this run."""

    key: str
    reason: str
