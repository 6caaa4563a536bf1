"""Find repeated problems among those kept so far."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.curation.dedup import DedupParams, Workplace, dedup
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict


def main(
    params: DedupParams,
    execution: Execution,
    problems: In[Problem],
    executed: In[Verdict],
    filtered: In[Verdict],
    verdicts: Out[Verdict],
    metrics: Metrics,
) -> None:
    place = Workplace(execution.threads, verdicts.path.parent)
    found, numbers = dedup(problems.scan(), [executed.read(), filtered.read()], params, place)
    verdicts.write(found)
    metrics.write(numbers)


if __name__ == "__main__":
    run(main)
