"""Let a solver answer each problem several times, and judge its answers."""

from jz3.core.artifacts import In, InDir, InFiles, Metrics, Out
from jz3.core.budget import TeacherTokens
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.tables.attempt import Attempt
from jz3.tables.failure import Failure
from jz3.tables.lacking import Lacking
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.teacher.solve import SolveParams, solve


def main(
    params: SolveParams,
    teacher_tokens: TeacherTokens,
    execution: Execution,
    problems: In[Problem],
    prompts: InFiles,
    model: InDir[ModelManifest],
    attempts: Out[Attempt],
    rates: Out[PassRate],
    unsolved: Out[Lacking],
    failures: Out[Failure],
    metrics: Metrics,
) -> None:
    solved = solve(problems.read(), prompts, model, params, execution, teacher_tokens)
    attempts.write(solved.attempts)
    rates.write(solved.rates)
    unsolved.write(solved.unsolved)
    failures.write(solved.failures)
    metrics.write(solved.metrics)


if __name__ == "__main__":
    run(main)
