"""Run the program of every tool problem."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.curation.execute import ExecuteParams, execute
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict


def main(
    params: ExecuteParams,
    execution: Execution,
    problems: In[Problem],
    results: Out[ExecutionResult],
    verdicts: Out[Verdict],
    metrics: Metrics,
) -> None:
    executed = execute(problems.scan(), params, execution)
    results.write(executed.results)
    verdicts.write(executed.verdicts)
    metrics.write(executed.metrics)


if __name__ == "__main__":
    run(main)
