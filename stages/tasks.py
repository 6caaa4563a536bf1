"""Target tasks of influence, and instruction data."""

from jz3.core.artifacts import InFiles, Metrics, Out
from jz3.core.stage import run
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tasks.tasks import TasksParams, gather


def main(
    params: TasksParams,
    raw: InFiles,
    targets: Out[Target],
    instructions: Out[Problem],
    metrics: Metrics,
) -> None:
    target_rows, instruction_rows, numbers = gather(raw, params)
    targets.write(target_rows)
    instructions.write(instruction_rows)
    metrics.write(numbers)


if __name__ == "__main__":
    run(main)
