"""Train a synthesis model to write problems, on a KD set."""

from jz3.core.artifacts import In, InDir, Metrics, OutDir, Plot
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.tables.loss_point import LossPoint
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.training.finetune import FinetuneParams, finetune


def main(
    params: FinetuneParams,
    execution: Execution,
    problems: In[Problem],
    prompts: In[Prompt],
    base: InDir[ModelManifest],
    model: OutDir[ModelManifest],
    loss: Plot[LossPoint],
    metrics: Metrics,
) -> None:
    with model.open() as directory:
        trained = finetune(
            problems.read(), prompts.read(), base.path, directory, loss.live(), params, execution
        )
    loss.write(trained.loss)
    metrics.write(trained.metrics)


if __name__ == "__main__":
    run(main)
