"""Keep as many right solutions of each problem as its difficulty calls for."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.tables.attempt import Attempt
from jz3.tables.lineage import Lineage
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.thought import Thought
from jz3.teacher.balance import BalanceParams, balance


def main(
    params: BalanceParams,
    seeds: In[Problem],
    attempts: In[Attempt],
    rates: In[PassRate],
    problems: Out[Problem],
    thoughts: Out[Thought],
    lineage: Out[Lineage],
    rejects: Out[Reject],
    metrics: Metrics,
) -> None:
    balanced = balance(seeds.read(), attempts.read(), rates.read(), params)
    problems.write(balanced.problems)
    thoughts.write(balanced.thoughts)
    lineage.write(balanced.lineage)
    rejects.write(balanced.rejects)
    metrics.write(balanced.metrics)


if __name__ == "__main__":
    run(main)
