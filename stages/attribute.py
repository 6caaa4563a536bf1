"""Score the influence of each candidate problem on each target task."""

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.influence.attribute import AttributeParams, attribute
from jz3.influence.values import influence_values
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.influence_score import InfluenceScore
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tables.value import Value


def main(
    params: AttributeParams,
    execution: Execution,
    problems: In[Problem],
    targets: In[Target],
    checkpoints: InDir[CheckpointsManifest],
    scores: Out[InfluenceScore],
    values: Out[Value],
    metrics: Metrics,
) -> None:
    attributed = attribute(problems.read(), targets.read(), checkpoints, params, execution)
    scores.write(attributed.scores)
    values.write(influence_values(attributed.scores))
    metrics.write(attributed.metrics)


if __name__ == "__main__":
    run(main)
