"""Run model-written programs: a pool of warm workers, one forked child for each program.

    with open_sandbox(settings) as sandbox:
        results = sandbox.run_all(programs)

Promises: no program sees the network, the machine's files, other processes or another program; none
outlives its limits; whatever it does is a result and never the end of the run; results come in the order of
the programs and do not depend on the number of workers. What each level contains stands in docs/sandbox.md.
Costs: about a second and 100 MB for each worker, a few milliseconds for each program.
"""

import platform
import select
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Literal

from pydantic import BaseModel, ConfigDict

from jz3.core.errors import UserError
from jz3.sandbox.environment import PRELOADED, library_versions
from jz3.sandbox.folders import sweep
from jz3.sandbox.modes import MODES, Mode, ModeName, failure_of, lacking, launch
from jz3.sandbox.protocol import Hello
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Level, SandboxSettings
from jz3.sandbox.worker import Worker, WorkerFailed


class SandboxUnavailable(UserError):  # noqa: N818 (a state of the machine, not a mistake)
    """No sandbox of the required strength can be built here."""


class SandboxReport(BaseModel):
    """How programs were run, for a manifest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: ModeName
    level: Level
    landlock_abi: int
    """The kernel's version of Landlock; 0 if there is none."""
    scratch: str
    """`writable`: each program had 16 MB of its own; `read-only`: programs could write no files."""
    addresses: Literal["fixed", "moving"]
    """`moving`: the kernel gives each worker different addresses; a program that prints one has no result."""
    python: str
    libraries: dict[str, str]
    """Versions of the preloaded libraries."""


class Sandbox:
    """A pool of workers; not thread-safe."""

    def __init__(self, workers: Sequence[Worker], report: SandboxReport) -> None:
        self._workers = workers
        self.report = report

    def run(self, program: str) -> ProgramResult:
        """One program's result."""
        return self.run_all([program])[0]

    def run_all(self, programs: Sequence[str]) -> list[ProgramResult]:
        """The result of each program, in the order of the programs."""
        results: dict[int, ProgramResult] = {}
        waiting = iter(range(len(programs)))
        busy: dict[Worker, int] = {}
        try:
            for worker in self._workers:
                _start_next(worker, programs, waiting, busy)
            while busy:
                for worker, result in _finished(busy):
                    results[busy.pop(worker)] = result
                    _start_next(worker, programs, waiting, busy)
        finally:
            for worker in busy:  # the caller was interrupted: a running program must not answer the next call
                worker.give_up()
        return [results[number] for number in range(len(programs))]


def _start_next(
    worker: Worker, programs: Sequence[str], waiting: Iterator[int], busy: dict[Worker, int]
) -> None:
    number = next(waiting, None)
    if number is not None:
        busy[worker] = number
        worker.send(programs[number])


def _finished(busy: dict[Worker, int]) -> list[tuple[Worker, ProgramResult]]:
    """Wait until a worker sends something or is overdue; return the results that are complete.

    A worker is overdue if it was late before this look and has still not answered: the start of another
    worker, or a suspended host, may take longer than a program may, and an answer that came meanwhile is a
    result.
    """
    late = [worker for worker in busy if worker.seconds_left() == 0.0]
    poll = select.poll()
    by_fd = {worker.fileno(): worker for worker in busy}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    seconds = min(worker.seconds_left() for worker in busy)
    ready = [by_fd[fd] for fd, _ in poll.poll(seconds * 1000 + 1)]
    answers = [(worker, worker.take()) for worker in ready]
    answers += [(worker, worker.give_up()) for worker in late if worker not in ready]
    return [(worker, result) for worker, result in answers if result is not None]


@contextmanager
def open_sandbox(settings: SandboxSettings) -> Generator[Sandbox]:
    """The strongest sandbox that works here.

    Raises SandboxUnavailable if it is weaker than `required_level`.
    """
    with open_mode(strongest_mode(settings.required_level), settings) as sandbox:
        yield sandbox


@contextmanager
def open_mode(mode: Mode, settings: SandboxSettings) -> Generator[Sandbox]:
    """A sandbox built in the given way; raises SandboxUnavailable if its workers do not start."""
    lack = lacking(mode)
    if lack is not None:
        raise SandboxUnavailable(
            f"the sandbox {mode.name} cannot be built here ({lack}); what it needs was expected. "
            f"docs/sandbox.md says how to get it, and what else there is."
        )
    sweep()
    with ExitStack() as stack:
        workers: list[Worker] = []
        for number in range(settings.workers):
            workers.append(Worker(launch(mode, settings.limits, PRELOADED, number)))
            stack.callback(workers[-1].close)
        hellos = [_hello(worker, mode) for worker in workers]
        yield Sandbox(workers, _report(mode, hellos[0]))


def strongest_mode(required_level: Level) -> Mode:
    """The first mode, strongest first, whose self-test passes.

    Raises SandboxUnavailable, with everything that was tried, if none has the required level.
    """
    failures: list[str] = []
    for mode in MODES:
        if mode.level < required_level:
            break
        failure = failure_of(mode)
        if failure is None:
            return mode
        failures.append(f"{mode.name} ({failure})")
    raise SandboxUnavailable(
        f"execution.yaml:sandbox: no sandbox of level {required_level} or more holds on this machine, tried "
        f"{', '.join(failures)}; expected Linux with user namespaces, bubblewrap or Landlock (from 5.13). "
        f"Run in Docker as docs/sandbox.md says, or accept a weaker one by setting a lower level there."
    )


def _hello(worker: Worker, mode: Mode) -> Hello:
    try:
        return worker.hello()
    except WorkerFailed as failure:
        raise SandboxUnavailable(
            f"execution.yaml:sandbox_workers: a worker of the sandbox ({mode.name}) did not start: "
            f"{failure}; expected about 100 MB of memory for each. Ask for fewer workers."
        ) from failure


def _report(mode: Mode, hello: Hello) -> SandboxReport:
    return SandboxReport(
        mode=mode.name,
        level=mode.level,
        landlock_abi=hello.landlock_abi,
        scratch=hello.scratch,
        addresses="moving" if hello.address_ranges else "fixed",
        python=platform.python_version(),
        libraries=library_versions(),
    )
