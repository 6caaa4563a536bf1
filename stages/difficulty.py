"""Value problems by how often a solver gets them right."""

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.stage import run
from jz3.lm.model import load_tokenizer
from jz3.selection.difficulty import DifficultyParams, valued_by_rate
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.tables.value import Value


def main(
    params: DifficultyParams,
    problems: In[Problem],
    rates: In[PassRate],
    tokenizer: InDir[ModelManifest],
    values: Out[Value],
    metrics: Metrics,
) -> None:
    found = valued_by_rate(problems, rates, load_tokenizer(tokenizer.path), params)
    metrics.write(values.sink(found))


if __name__ == "__main__":
    run(main)
