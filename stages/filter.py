"""Judge each problem by rules of form."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.curation.filter import FRAME_ROWS, FilterParams, filter_problems
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict


def main(params: FilterParams, problems: In[Problem], verdicts: Out[Verdict], metrics: Metrics) -> None:
    found, numbers = filter_problems(problems.frames(FRAME_ROWS), params)
    verdicts.write(found)
    metrics.write(numbers)


if __name__ == "__main__":
    run(main)
