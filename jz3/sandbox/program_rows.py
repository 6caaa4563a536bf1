"""Results of programs through the row store: a program that ran here once is not run again.

The key contains the program, its limits and the versions of Python and the preloaded libraries; the result
also says how strong the sandbox was. A program whose worker was lost is tried again; after losing its worker
three times it is `killed`, so that one program cannot stop a run.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from jz3.core.execution import Execution
from jz3.sandbox.environment import environment_digest
from jz3.sandbox.pool import Sandbox, open_sandbox
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits, SandboxSettings
from jz3.store.row_store import Operation, RowStore, request_key
from jz3.workers.crew import Crew
from jz3.workers.fill import fill

EXECUTE = Operation("execute", 3)

TRIES = 3
"""Tries of a program that loses its worker (chosen: even a second loss is no accident)."""


@dataclass(frozen=True)
class Runs:
    """The results of programs, in order, and where they ran."""

    results: list[ProgramResult]
    environment: str
    """Digest of the versions that they ran with."""
    weakest_level: int | None
    """The weakest sandbox that they ran in, now or when they were stored; None if there was no program."""


@dataclass
class WarmPool:
    """A worker's job for a batch: it holds its own warm interpreters from its first batch on. Two jobs with
    equal settings are equal, so that a crew keeps the first one.
    """

    settings: SandboxSettings
    stack: ExitStack = field(default_factory=ExitStack, compare=False)
    sandbox: Sandbox | None = field(default=None, compare=False)

    def __call__(self, batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        sandbox = self._opened()
        results = run_with_retries(sandbox, [row["program"] for row in batch])
        return [{**asdict(result), "sandbox_level": sandbox.report.level} for result in results]

    def close(self) -> None:
        """End the interpreters."""
        self.stack.close()

    def __reduce__(self) -> tuple[type["WarmPool"], tuple[SandboxSettings]]:
        """Pickled without interpreters, for another process."""
        return WarmPool, (self.settings,)

    def _opened(self) -> Sandbox:
        if self.sandbox is None:
            self.sandbox = self.stack.enter_context(open_sandbox(self.settings))
        return self.sandbox


def run_rows(programs: Sequence[str], limits: Limits, execution: Execution, what: str, crew: Crew) -> Runs:
    """Run the programs whose results the store lacks. Each worker of the crew starts a sandbox with its first
    program, and keeps it until the crew ends.
    """
    environment = environment_digest()
    requests = [_request(program, limits, environment) for program in programs]
    pool = WarmPool(_settings(limits, execution))
    crew.at_end.callback(pool.close)
    rows = fill(
        EXECUTE,
        requests,
        pool,
        order=lambda row: row["program"],
        batch_rows=execution.generation_commit,
        what=what,
        crew=crew,
    )
    return Runs(
        results=[_result(row) for row in rows],
        environment=environment,
        weakest_level=min((row["sandbox_level"] for row in rows), default=None),
    )


def stored_results(programs: Sequence[str], limits: Limits, store: RowStore) -> list[ProgramResult | None]:
    """The stored results; None for a program that has not run."""
    environment = environment_digest()
    keys = [request_key(EXECUTE, _request(program, limits, environment)) for program in programs]
    known = store.known(EXECUTE, keys)
    return [_result(known[key]) if key in known else None for key in keys]


def _request(program: str, limits: Limits, environment: str) -> dict[str, Any]:
    return {"program": program, "limits": limits.model_dump(), "environment": environment}


def _result(row: Mapping[str, Any]) -> ProgramResult:
    return ProgramResult(row["status"], row["stdout"], row["error"], row["exit_code"])


def run_with_retries(sandbox: Sandbox, programs: Sequence[str]) -> list[ProgramResult]:
    """Results, none of which is `lost`."""
    results = sandbox.run_all(programs)
    for _ in range(TRIES - 1):
        lost = [number for number, result in enumerate(results) if result.status == "lost"]
        for number, result in zip(lost, sandbox.run_all([programs[n] for n in lost]), strict=True):
            results[number] = result
    return [
        replace(result, status="killed", error=f"its worker was lost {TRIES} times")
        if result.status == "lost"
        else result
        for result in results
    ]


def _settings(limits: Limits, execution: Execution) -> SandboxSettings:
    level: Any = execution.sandbox  # 1 to 3: checked when it was read
    return SandboxSettings(workers=execution.sandbox_workers, required_level=level, limits=limits)
