r"""Runs the programs of every tool problem and compares the solution with their real output.

The rules, in this order:

- `execute.no_program`
- `execute.timeout`
- `execute.failed`: an error, a kill, too much memory or output
- `execute.no_output`: the output is empty, or has a code fence, which no output block can contain
- `execute.wrong_answer`: the box disagrees with the output, and the printed answer does not count
- `execute.wrong_output`: there is no box, and the output block is wrong
- `execute.dropped_remainder`: the answer comes from a whole division with a remainder, which the problem does
  not ask to drop

A row in which only the output block is wrong is kept: `mix` writes the real output into it. Problems of kind
cot are kept as they are. Costs a few milliseconds for each program, and the same again for one with whole
divisions.
"""

import logging
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, islice
from typing import Literal

import polars as pl
from pydantic import BaseModel

from jz3.core.counts import row_count
from jz3.core.execution import Execution
from jz3.core.params import Params
from jz3.curation.agreement import agrees
from jz3.curation.output_block import claimed_outputs, same_outputs
from jz3.curation.patterns import phrase_in
from jz3.curation.remainders import dropped, whole_divisions
from jz3.curation.verdicts import VERDICT_SCHEMA, shown, verdict_ledger
from jz3.sandbox.program_rows import run_rows
from jz3.sandbox.result import ProgramResult
from jz3.sandbox.settings import Limits
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.ledger import Ledger
from jz3.text.problem_text import programs_of
from jz3.workers.batch import program_workers
from jz3.workers.crew import open_crew

log = logging.getLogger(__name__)


class ExecuteParams(Params):
    """Limits of programs, and which answer counts."""

    limits: Limits
    """Limits of each program."""
    answer: Literal["claimed", "printed"]
    """If the box and the program give different answers: `claimed` rejects the row; `printed` keeps it, and
    `mix` writes the printed answer into the box. Use `printed` for models that are too small to compute what
    they can program.
    """
    whole_phrases: list[str]
    """Phrases of problems whose answer may drop a remainder, found in any case and between word
    boundaries.
    """


class ExecuteMetrics(BaseModel):
    """What the programs did."""

    rows: Ledger
    programs: int
    by_status: dict[str, int]
    output_correct: int
    """Tool problems whose output blocks match what the programs print."""
    output_correct_share: float
    corrected: int
    """Problems kept although the output block or, if the printed answer counts, the box is wrong: `mix`
    corrects them.
    """


@dataclass(frozen=True)
class Executed:
    """Tables of ExecutionResult (tool problems with a program) and Verdict (all problems), and the counts."""

    results: pl.DataFrame
    verdicts: pl.DataFrame
    metrics: ExecuteMetrics


def execute(problems: pl.LazyFrame, params: ExecuteParams, execution: Execution) -> Executed:
    """Run the programs whose results the store lacks, and judge all problems.

    Only the log says how the programs ended and which was the weakest sandbox that one of them ran in, now or
    when its result was stored: machines differ in both, but not in the tables.
    """
    tools = (
        problems.filter(pl.col("kind") == "tool").select("problem_id", "solution", "answer").collect().rows()
    )
    programs = {row_id: programs_of(solution) for row_id, solution, _ in tools}
    # Each program builds on those before it, so they run again and their output is taken off.
    running = {row_id: list(accumulate(found, _then)) for row_id, found in programs.items() if found}
    with open_crew(program_workers(execution)) as crew:
        runs = run_rows(
            [program for so_far in running.values() for program in so_far],
            params.limits,
            execution,
            "programs",
            crew,
        )
        left = iter(runs.results)
        results = {row_id: ran(list(islice(left, len(so_far)))) for row_id, so_far in running.items()}
        judged = {
            row_id: judge(solution, answer, results.get(row_id), params.answer)
            for row_id, solution, answer in tools
        }
        kept = {row_id: so_far[-1] for row_id, so_far in running.items() if judged[row_id] is None}
        asked = _asked_in_whole(problems, params.whole_phrases)
        strict = {
            row_id: rewritten
            for row_id, program in kept.items()
            if row_id not in asked and (rewritten := whole_divisions(program)) is not None
        }
        again = run_rows(list(strict.values()), params.limits, execution, "divisions", crew)
    for row_id, result in zip(strict, again.results, strict=True):
        cut = dropped(result.error)
        if cut is not None:
            judged[row_id] = ("execute.dropped_remainder", shown(cut))
    log.info(
        "programs: %d in environment %s; weakest sandbox level: %s",
        len(runs.results),
        runs.environment[:12],
        "none ran" if runs.weakest_level is None else runs.weakest_level,
    )
    correct = {
        row_id
        for row_id, solution, _ in tools
        if row_id in results and _claim_holds(solution, results[row_id])
    }
    verdicts = _verdicts(problems, judged)
    return Executed(
        results=_results(results, {row_id: answer for row_id, _, answer in tools}, params.answer),
        verdicts=verdicts,
        metrics=_metrics(verdicts, row_count(problems), runs.results, judged, correct),
    )


def _then(before: str, program: str) -> str:
    return f"{before}\n{program}"


@dataclass(frozen=True)
class Ran:
    """What the programs of a solution did."""

    outputs: list[str]
    """The output of each program, up to the one that failed."""
    result: ProgramResult
    """The result of the program that failed, or of the last one; with only its own output."""


def ran(so_far: Sequence[ProgramResult]) -> Ran:
    """Combine results: those of the first program, of the first two, and so on."""
    outputs: list[str] = []
    printed = ""
    for result in so_far:
        outputs.append(result.stdout.removeprefix(printed))
        printed = result.stdout
        if result.status != "ok":
            return Ran(outputs, replace(result, stdout=outputs[-1]))
    return Ran(outputs, replace(so_far[-1], stdout=outputs[-1]))


Finding = tuple[str, str] | None
"""Rule and evidence; None if the row is kept."""


def judge(
    solution: str, answer: str | None, done: Ran | None, counts: Literal["claimed", "printed"]
) -> Finding:
    """What is wrong with a tool solution; `done` is what its programs did, None if it has none."""
    if done is None:
        return "execute.no_program", shown(solution)
    result = done.result
    if result.status == "timeout":
        return "execute.timeout", result.status
    if result.status != "ok":
        return "execute.failed", shown(f"{result.status}: {result.error}")
    output = result.stdout
    unfit = next((text for text in done.outputs if not text.strip() or "```" in text), None)
    if unfit is not None:
        return "execute.no_output", shown(unfit)
    if answer is None:
        claims = claimed_outputs(solution)
        held = same_outputs(claims, done.outputs)
        said = "\n".join(claims[: len(done.outputs)]) if claims else None
        printed = "\n".join(done.outputs)
        return None if held else ("execute.wrong_output", shown(f"claimed {said!r}, printed {printed!r}"))
    by_program = counts == "printed" and len(output.strip().splitlines()) == 1
    if not by_program and not agrees(answer, output):
        return "execute.wrong_answer", shown(f"boxed {answer!r}, printed {output!r}")
    return None


def printed_counts(answer: str | None, result: ProgramResult, counts: Literal["claimed", "printed"]) -> bool:
    """Whether the answer is the single line that a program printed rather than the box, which differs."""
    if counts != "printed" or answer is None or result.status != "ok":
        return False
    output = result.stdout
    return len(output.strip().splitlines()) == 1 and "```" not in output and not agrees(answer, output)


def _asked_in_whole(problems: pl.LazyFrame, phrases: Sequence[str]) -> set[str]:
    """Tool problems that ask for a whole answer, which may drop a remainder."""
    asked = problems.filter(pl.col("kind") == "tool").select(
        "problem_id", phrase=phrase_in("problem", phrases)
    )
    return set(asked.filter(pl.col("phrase").is_not_null()).select("problem_id").collect()["problem_id"])


def _claim_holds(solution: str, done: Ran) -> bool:
    return done.result.status == "ok" and same_outputs(claimed_outputs(solution), done.outputs)


def _results(
    results: dict[str, Ran],
    answers: dict[str, str | None],
    counts: Literal["claimed", "printed"],
) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "problem_id": row_id,
                "status": done.result.status,
                "outputs": done.outputs,
                "output": done.result.stdout,
                "answer_counts": printed_counts(answers[row_id], done.result, counts),
                "error": done.result.error or None,
            }
            for row_id, done in results.items()
        ],
        schema=ExecutionResult.create_empty().schema,
    )


def _verdicts(problems: pl.LazyFrame, judged: dict[str, Finding]) -> pl.DataFrame:
    ids: Sequence[str] = problems.select("problem_id").collect()["problem_id"].to_list()
    findings = [judged.get(row_id) or (None, None) for row_id in ids]
    return pl.DataFrame(
        {"row_id": ids, "rule": [rule for rule, _ in findings], "evidence": [seen for _, seen in findings]},
        schema=VERDICT_SCHEMA,
    )


def _metrics(
    verdicts: pl.DataFrame,
    read: int,
    results: Sequence[ProgramResult],
    judged: dict[str, Finding],
    correct: set[str],
) -> ExecuteMetrics:
    # Not the bare status: DVC takes a metric named `error` for one that it could not load.
    statuses = Counter(f"program_{result.status}" for result in results)
    return ExecuteMetrics(
        rows=verdict_ledger(verdicts, read),
        programs=len(results),
        by_status=dict(sorted(statuses.items())),
        output_correct=len(correct),
        output_correct_share=len(correct) / max(len(judged), 1),
        corrected=sum(finding is None and row_id not in correct for row_id, finding in judged.items()),
    )
