"""Check which problems of a recipe have the right answer, before curation removes any."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.curation.correctness import check_problems, correctness_metrics
from jz3.tables.checked_problem import CheckedProblem
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.problem import Problem


def main(
    problems: In[Problem],
    results: In[ExecutionResult],
    checked: Out[CheckedProblem],
    metrics: Metrics,
) -> None:
    rows = check_problems(problems, results)
    checked.write(rows)
    metrics.write(correctness_metrics(rows))


if __name__ == "__main__":
    run(main)
