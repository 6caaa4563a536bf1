"""Say how many problems of a recipe are right, before anything is left out."""

from jz3.core.artifacts import In, Metrics
from jz3.core.fan_in import InMetrics
from jz3.core.stage import run
from jz3.curation.correctness import check_problems
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.problem import Problem


def main(
    problems: In[Problem],
    results: In[ExecutionResult],
    measured: InMetrics,
    metrics: Metrics,
) -> None:
    metrics.write(check_problems(problems, results, measured.read()))


if __name__ == "__main__":
    run(main)
