"""Train the reference model on a share of the candidate problems."""

from jz3.core.artifacts import In, InDir, Metrics, OutDir, Plot
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import WarmupParams
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.loss_point import LossPoint
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem


def main(
    params: WarmupParams,
    execution: Execution,
    problems: In[Problem],
    base: InDir[ModelManifest],
    checkpoints: OutDir[CheckpointsManifest],
    loss: Plot[LossPoint],
    metrics: Metrics,
) -> None:
    with checkpoints.open() as directory:
        warmed_up = warmup(problems.read(), base.path, directory, params, execution)
    loss.write(warmed_up.loss)
    metrics.write(warmed_up.metrics)


if __name__ == "__main__":
    run(main)
