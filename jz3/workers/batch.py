"""What workers are given and what they return."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jz3.core.errors import UserError
from jz3.core.execution import Execution


class UnfitError(UserError):
    """A worker can compute nothing for a reason of its machine: others may."""


Request = Mapping[str, Any]
Work = Callable[[Sequence[Request]], Sequence[Mapping[str, Any]]]
"""A result for each request of a batch, in order. Raises UnfitError if its worker can compute nothing."""


@dataclass(frozen=True)
class Workers:
    """Who computes: a single worker is the stage's own process, several are actors of Ray."""

    count: int
    threads: int
    """Cores of each worker."""
    gpus: int
    """GPUs of each worker."""
    address: str | None
    """Address of a running Ray cluster; None: start Ray on this machine, and end it afterwards."""


def workers_of(execution: Execution) -> Workers:
    """Workers for a stage that runs a model."""
    gpus = execution.worker_gpus if execution.device == "cuda" else 0
    return Workers(_count(execution), execution.threads, gpus, execution.ray_address)


def program_workers(execution: Execution) -> Workers:
    """Workers without GPUs, each with a core for every interpreter that runs programs. `auto` means one,
    because it counts GPUs.
    """
    count = 1 if execution.workers == "auto" else execution.workers
    return Workers(count, execution.sandbox_workers, 0, execution.ray_address)


def gpu_groups(execution: Execution) -> list[list[str]]:
    """The GPUs of each server that a process owns, named as in CUDA_VISIBLE_DEVICES. On a CPU there is a
    server without a GPU for each worker. A worker of a Ray cluster sees the GPUs that Ray gave it.

    Raises UserError if there are fewer GPUs than asked for.
    """
    on_cluster = execution.ray_address is not None
    if execution.device == "cpu":
        return [[] for _ in range(1 if on_cluster else _count(execution))]
    gpus, each = visible_gpus(), max(execution.worker_gpus, 1)
    groups = [gpus[start : start + each] for start in range(0, len(gpus) - each + 1, each)]
    wanted = 1 if on_cluster else _count(execution)
    if len(groups) < wanted:
        raise UserError(
            f"execution.yaml:workers asks for {wanted} servers with {each} GPUs each, and {len(gpus)} GPUs "
            f"are visible; at least {wanted * each} were expected. Set workers to auto, or check "
            f"CUDA_VISIBLE_DEVICES."
        )
    return groups[:wanted]


def visible_gpus() -> list[str]:
    """Names or numbers of the GPUs that this process may use; does not create a CUDA context."""
    listed = os.environ.get("CUDA_VISIBLE_DEVICES")
    if listed is not None:
        return [name.strip() for name in listed.split(",") if name.strip() not in ("", "-1")]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _count(execution: Execution) -> int:
    """The number of workers; `auto` is as many as the visible GPUs suffice for, at least one."""
    if execution.workers != "auto":
        return execution.workers
    if execution.ray_address is not None:
        raise UserError(
            "execution.yaml:workers is auto and execution.yaml:ray_address is set; a number was expected, as "
            "the GPUs of a cluster come and go. Set workers to as many as fit it."
        )
    if execution.device == "cpu":
        return 1
    return max(1, len(visible_gpus()) // max(execution.worker_gpus, 1))


@dataclass(frozen=True)
class Batch:
    """Rows that are computed together and committed together."""

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
    """A row that kills its workers and is not computed again in this run."""

    key: str
    reason: str
