"""Collect the target tasks of influence, the instruction data and the seed problems."""

from jz3.core.artifacts import InFiles, Metrics, Out
from jz3.core.stage import run
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.target import Target
from jz3.tasks.tasks import TasksParams, gather


def main(
    params: TasksParams,
    raw: InFiles,
    targets: Out[Target],
    instructions: Out[Problem],
    seeds: Out[SeedProblem],
    seed_problems: Out[Problem],
    seed_passages: Out[Passage],
    rejects: Out[Reject],
    metrics: Metrics,
) -> None:
    gathered = gather(raw, params)
    targets.write(gathered.targets)
    instructions.write(gathered.instructions)
    seeds.write(gathered.seeds)
    seed_problems.write(gathered.seed_problems)
    seed_passages.write(gathered.seed_passages)
    rejects.write(gathered.rejects)
    metrics.write(gathered.metrics)


if __name__ == "__main__":
    run(main)
