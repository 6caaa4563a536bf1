"""Select the initial prompts, and those whose problems have the highest value."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.selection.select import SelectParams, select
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.ranked_prompt import RankedPrompt
from jz3.tables.value import Value


def main(
    params: SelectParams,
    values: In[Value],
    problems: In[Problem],
    candidates: In[Prompt],
    initial: In[Prompt],
    boosted: Out[Prompt],
    ranking: Out[RankedPrompt],
    metrics: Metrics,
) -> None:
    selection = select(values.read(), problems.read(), candidates.read(), initial.read(), params)
    boosted.write(selection.boosted)
    ranking.write(selection.ranking)
    metrics.write(selection.metrics)


if __name__ == "__main__":
    run(main)
