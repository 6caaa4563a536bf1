"""Make a recipe of the most valuable problems of another."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.selection.choose import ChooseParams, choose, chosen_rows
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.value import Value
from jz3.tables.verdict import Verdict


def main(
    params: ChooseParams,
    pool: In[Problem],
    values: In[Value],
    executed: In[Verdict],
    filtered: In[Verdict],
    deduped: In[Verdict],
    decontaminated: In[Verdict],
    problems: Out[Problem],
    rejects: Out[Reject],
    metrics: Metrics,
) -> None:
    chosen = choose(pool, values, [executed, filtered, deduped, decontaminated], params)
    problems.sink(chosen_rows(pool, chosen.ids))
    rejects.write(chosen.rejects)
    metrics.write(chosen.metrics)


if __name__ == "__main__":
    run(main)
