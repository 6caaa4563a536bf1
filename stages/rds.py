"""Value candidate problems by how similar their texts are, to a model, to those of the target tasks."""

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.influence.rds import RdsParams, rds
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tables.value import Value


def main(
    params: RdsParams,
    execution: Execution,
    problems: In[Problem],
    targets: In[Target],
    model: InDir[ModelManifest],
    values: Out[Value],
    metrics: Metrics,
) -> None:
    near = rds(problems.read(), targets.read(), model, params, execution)
    values.write(near.values)
    metrics.write(near.metrics)


if __name__ == "__main__":
    run(main)
