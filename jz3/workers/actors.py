"""Many workers: actors of Ray, on this machine or on a cluster. The only module that imports ray.

Promises: each batch is computed by one worker at a time, and its results are returned once. Ray notices when
a worker or its machine ends (SIGKILL, out of memory, lost network); a new worker replaces it, and another
worker gets the whole batch, so that batched floating point gives the same text. A batch that has killed two
workers is split until the offending row is alone; a row that kills three workers is reported as lost. A
worker that can compute nothing (its server does not start) gets no more batches, and others get its own; if
nobody is left, its error ends the stage. If a machine joins the cluster while batches are left, it is used as
soon as Ray has started a worker there.

Costs: a second or two to start each worker, plus what the work itself has to load; results pass through this
process. A work is pickled (cloudpickle), so it must not hold an open engine.
"""

import logging
import os
import socket
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import Any

from jz3.core.errors import UserError
from jz3.workers.batch import Batch, Computed, Lost, Request, UnfitError, Work, Workers

log = logging.getLogger(__name__)

DEATHS_BEFORE_HALVING = 2
"""One death may be the machine's fault; after two the rows are suspected (chosen)."""
DEATHS_OF_A_LOST_ROW = 3
DEATHS_IN_A_ROW = 20
"""Workers that end in a row, with no batch done in between, before the rows are ruled out as the cause
(chosen: a row alone in a split batch kills two or three workers between batches that are done).
"""
WAIT_S = 30.0
"""Seconds between two lines in the log while there is no worker."""
WAITS_FOR_A_FIT_ONE = 10
"""Such lines in a row until nobody is expected who can compute what others could not (chosen: a machine that
replaces another is there within minutes).
"""
CONNECT_S = 10.0
PASSED_ON = ("FLASHINFER_", "HF_", "HUGGING_FACE_", "JZ3_", "NCCL_", "OPENAI_", "PYTORCH_", "TOKENIZERS_",
             "TORCH", "TRANSFORMERS_", "TRITON_", "VLLM_")  # fmt: skip
"""Prefixes of the variables that the stage passes to its workers: locations of models, of the store and of
compiled kernels (a cluster's home directories may be small), keys, behaviour of libraries. Ray decides which
devices a worker sees (`CUDA_*`).
"""
CANNOT_IMPORT = "failed to import on the worker"
"""Ray's message for a worker whose process cannot import the code."""
OBJECT_STORE_BYTES = 1_000_000_000
"""For a Ray started here: results in flight, some 25 MB per batch of 8,000 completions."""


class Worker:
    """The process of one worker, with every work that it was given."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Set `environment` before any library that reads it is imported: a process on a cluster inherits
        that of `ray start`.
        """
        os.environ.update(environment)
        self._works: dict[Any, Work] = {}

    def ready(self) -> None:
        """Returns once Ray has started this process."""

    def run(self, work: Sequence[Any], requests: Sequence[Request]) -> list[Mapping[str, Any]]:
        """Compute a batch. `work` is a list with Ray's reference, which without the list would be copied each
        time.
        """
        (reference,) = work
        if reference not in self._works:
            self._works[reference] = import_module("ray").get(reference)
        return list(self._works[reference](requests))


@contextmanager
def started(workers: Workers) -> Generator["Actors"]:
    """Actors until the block ends."""
    with _connected(workers) as ray:
        actors = Actors(ray, workers)
        try:
            yield actors
        finally:
            actors.dismiss()


class Actors:
    """Workers, and what each is doing."""

    def __init__(self, ray: Any, workers: Workers) -> None:  # noqa: ANN401 (an extra)
        self._ray = ray
        self._works: list[tuple[Work, Any]] = []
        """Each work with its reference in Ray."""
        self._workers = workers
        self._actor_class = ray.remote(num_cpus=workers.threads, num_gpus=workers.gpus)(Worker)
        errors = import_module("ray.exceptions")
        self._deaths: tuple[type[Exception], ...] = (
            errors.RayActorError,
            errors.ObjectLostError,
            errors.NodeDiedError,
            errors.OutOfMemoryError,
            errors.WorkerCrashedError,
        )
        self._failed: type[Exception] = errors.RayTaskError
        self._starting: dict[Any, Any] = {}
        """Workers that are starting, by the call that waits for them."""
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Batch]] = {}
        self._unfit: list[Any] = []
        """Workers that get no more batches. Each keeps its cores and GPUs: Ray would start the next one in
        its place.
        """
        self._why_unfit: UnfitError | None = None
        self._again: deque[Batch] = deque()
        self._deaths_in_a_row = 0
        for _ in range(workers.count):
            self._start()

    def compute(self, batches: Iterator[Batch], work: Work) -> Iterator[Computed | Lost]:
        """Compute every batch; ends when all are done, even if some workers never started. Raises UnfitError
        if no worker can compute anything.
        """
        reference, waits = self._reference(work), 0
        while self._give(batches, reference):
            ready, _ = self._ray.wait([*self._starting, *self._busy], num_returns=1, timeout=WAIT_S)
            waits = 0 if ready or self._busy else waits + 1
            if self._why_unfit and waits == WAITS_FOR_A_FIT_ONE:
                raise self._why_unfit
            if waits:
                self._log_waiting()
            for call in ready:
                if call in self._starting:
                    self._started(call)
                else:
                    yield from self._finished(call)

    def dismiss(self) -> None:
        """End all workers, whatever they are doing."""
        busy = [actor for actor, _ in self._busy.values()]
        for actor in chain(self._starting.values(), self._idle, busy, self._unfit):
            self._ray.kill(actor)

    def _reference(self, work: Work) -> Any:  # noqa: ANN401 (Ray's reference)
        for known, reference in self._works:
            if known == work:
                return reference
        self._works.append((work, self._ray.put(work)))
        return self._works[-1][1]

    def _start(self) -> None:
        environment = {name: value for name, value in os.environ.items() if name.startswith(PASSED_ON)}
        actor = self._actor_class.remote(environment)
        self._starting[actor.ready.remote()] = actor

    def _started(self, call: Any) -> None:  # noqa: ANN401 (Ray's reference)
        actor = self._starting.pop(call)
        try:
            self._ray.get(call)
        except self._deaths as death:
            self._count_death(death)
            self._start()
        else:
            self._idle.append(actor)

    def _give(self, batches: Iterator[Batch], work: Any) -> bool:  # noqa: ANN401 (Ray's reference)
        """Give a batch to each idle worker while there are any; return whether anything is running or
        waiting.
        """
        while self._idle:
            batch = self._again.popleft() if self._again else next(batches, None)
            if batch is None:
                break
            actor = self._idle.pop()
            self._busy[actor.run.remote([work], batch.requests)] = actor, batch
        else:
            return True
        return bool(self._busy)

    def _finished(self, call: Any) -> Iterator[Computed | Lost]:  # noqa: ANN401 (Ray's reference)
        actor, batch = self._busy.pop(call)
        try:
            results = self._ray.get(call)
        except self._deaths as death:
            self._count_death(death)
            self._ray.kill(actor)
            self._start()
            yield from self._retried(batch)
        except self._failed as error:
            cause: Exception | None = getattr(error, "cause", None)
            if isinstance(cause, UnfitError):
                self._do_without(actor, batch, cause)
                return
            raise (cause or error) from None if isinstance(cause, UserError) else error
        else:
            self._deaths_in_a_row = 0
            self._idle.append(actor)
            yield Computed(batch, results)

    def _do_without(self, actor: Any, batch: Batch, why: UnfitError) -> None:  # noqa: ANN401 (Ray's)
        """Leave the batch to other workers. Raises `why` if there are none, and none will start."""
        self._unfit.append(actor)
        self._again.append(batch)
        self._why_unfit = why
        if not (self._starting or self._idle or self._busy):
            raise why
        log.warning("a worker can compute nothing; the others go on without it: %s", why)

    def _retried(self, batch: Batch) -> Iterator[Lost]:
        deaths = batch.deaths + 1
        again = Batch(batch.keys, batch.requests, deaths)
        if deaths < DEATHS_BEFORE_HALVING or (len(batch.keys) == 1 and deaths < DEATHS_OF_A_LOST_ROW):
            self._again.append(again)
        elif len(batch.keys) > 1:
            self._again.extend(again.halves())
        else:
            log.warning("row %s killed %d workers; it is left out", batch.keys[0], deaths)
            yield Lost(batch.keys[0], f"ended {DEATHS_OF_A_LOST_ROW} workers or more")

    def _count_death(self, death: Exception) -> None:
        self._deaths_in_a_row += 1
        if CANNOT_IMPORT in str(death):
            missing = str(death).strip().splitlines()[-1]
            raise UserError(
                f"a worker of the Ray cluster cannot import jz3 ({missing}); this environment and the "
                f"checkout {Path.cwd()} were expected on each node, at the same paths. Install jz3 there "
                f"(`pip install 'jz3[cluster]'`, the same version), or set PYTHONPATH to a checkout that all "
                f"nodes see before `ray start`."
            ) from death
        reason = " ".join(str(death).split())[:300]
        log.warning("a worker ended, its batch goes to another: %s", reason)
        if self._deaths_in_a_row >= DEATHS_IN_A_ROW:
            raise UserError(
                f"{DEATHS_IN_A_ROW} workers ended in a row, the last with: {reason}; finished batches were "
                f"expected in between. Check the memory of the machines, then run again: finished rows are "
                f"in the row store."
            )

    def _log_waiting(self) -> None:
        log.warning(
            "waiting for a worker with %d cores and %d GPUs; the cluster has %s",
            self._workers.threads,
            self._workers.gpus,
            {
                name: amount
                for name, amount in self._ray.cluster_resources().items()
                if name in ("CPU", "GPU")
            },
        )


@contextmanager
def _connected(workers: Workers) -> Generator[Any]:
    """Connect to Ray; a Ray that was started here ends with the block."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # send no usage reports
    try:
        ray: Any = import_module("ray")
    except ImportError as error:
        raise UserError(
            f"execution.yaml:workers is {workers.count}, and ray cannot be imported ({error}); the extra "
            f"`cluster` was expected. Run `pip install 'jz3[cluster]'`, or set execution.yaml:workers to 1."
        ) from error
    settings: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.WARNING}
    if workers.address is None:
        settings |= {
            "address": "local",  # not to a cluster that happens to run here
            "num_cpus": workers.count * workers.threads,
            "include_dashboard": False,
            "object_store_memory": OBJECT_STORE_BYTES,
        }
    else:
        settings["address"] = workers.address
    if workers.address and ":" in workers.address:
        _must_answer(workers.address)
    try:
        ray.init(**settings)
    except (ConnectionError, import_module("ray.exceptions").AuthenticationError) as error:
        reason = " ".join(str(error).split())[:120]
        raise UserError(
            f"the Ray cluster at execution.yaml:ray_address {workers.address} cannot be used ({reason}); a "
            f"running one that lets this stage in was expected. Start it with `ray start --head`; if it asks "
            f"for a token, set RAY_AUTH_MODE=token, and put what `ray get-auth-token` prints on its first "
            f"machine into ~/.ray/auth_token here."
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _must_answer(address: str) -> None:
    """Raise UserError if a cluster does not answer: Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise UserError(
            f"no Ray cluster answers at execution.yaml:ray_address {address} ({error}); a running one was "
            f"expected. Start it with `ray start --head`, or set execution.yaml:ray_address to null."
        ) from error
