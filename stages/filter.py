"""Judge each problem by rules of form, against its passage, and by a solver's answers to it."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.curation.filter import FilterParams, filter_metrics, judge_copies, judge_form, judge_samples
from jz3.tables.pass_rate import PassRate
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict


def main(
    params: FilterParams,
    problems: In[Problem],
    passages: In[Passage],
    rates: In[PassRate],
    verdicts: Out[Verdict],
    metrics: Metrics,
) -> None:
    by_form = judge_form(problems.frames(), params)
    with_copies = judge_copies(by_form, problems.scan(), passages.scan(), params)
    found = judge_samples(with_copies, problems.scan(), rates, params)
    verdicts.write(found)
    metrics.write(filter_metrics(found, problems.scan()))


if __name__ == "__main__":
    run(main)
