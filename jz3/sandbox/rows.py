"""Results of programs through the row store: a program that ran here once is not run again.

The key holds the program, its limits and the versions of Python and the preloaded libraries. A program whose
worker was lost is tried again; what loses its worker three times is `killed`, so that one program cannot stop
a run.
"""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from typing import Any

from jz3.core.execution import Execution
from jz3.sandbox.environment import environment_digest
from jz3.sandbox.pool import Sandbox, open_sandbox
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits, SandboxSettings
from jz3.store.rows import Operation
from jz3.workers.fill import fill

EXECUTE = Operation("execute", 1)

TRIES = 3
"""Of a program that loses its worker (chosen; a second loss is already no accident)."""


def run_rows(programs: Sequence[str], limits: Limits, execution: Execution, what: str) -> list[ProgramResult]:
    """The result of each program, in order. The sandbox starts only if one of them has to run."""
    environment = environment_digest()
    requests = [
        {"program": program, "limits": limits.model_dump(), "environment": environment}
        for program in programs
    ]
    with ExitStack() as stack:
        opened: list[Sandbox] = []

        def work(batch: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
            if not opened:
                opened.append(stack.enter_context(open_sandbox(_settings(limits, execution))))
            results = run_with_retries(opened[0], [row["program"] for row in batch])
            return [asdict(result) for result in results]

        rows = fill(
            EXECUTE,
            requests,
            work,
            order=lambda row: row["program"],
            batch_rows=execution.generation_commit,
            what=what,
        )
    return [ProgramResult(**row) for row in rows]


def run_with_retries(sandbox: Sandbox, programs: Sequence[str]) -> list[ProgramResult]:
    """Results none of which is `lost`."""
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
    level: Any = execution.sandbox  # 1 to 3: checked where it was read
    return SandboxSettings(workers=execution.sandbox_workers, required_level=level, limits=limits)
