"""Train the final model under a warm-up, stable, decay schedule."""

from jz3.core.artifacts import InDir, Metrics, OutDir, Plot
from jz3.core.budget import TrainingTokens
from jz3.core.execution import Execution
from jz3.core.params import Seed
from jz3.core.stage import run
from jz3.tables.blocks_manifest import BlocksManifest
from jz3.tables.loss_point import LossPoint
from jz3.tables.model_manifest import ModelManifest
from jz3.training.pretrain import PretrainParams, pretrain


def main(
    params: PretrainParams,
    training_tokens: TrainingTokens,
    seed: Seed,
    execution: Execution,
    blocks: InDir[BlocksManifest],
    base: InDir[ModelManifest],
    before_decay: OutDir[ModelManifest],
    model: OutDir[ModelManifest],
    loss: Plot[LossPoint],
    metrics: Metrics,
) -> None:
    with before_decay.open() as before, model.open() as final:
        trained = pretrain(
            blocks, base.path, before, final, loss.live(), params, training_tokens, seed, execution
        )
    loss.write(trained.loss)
    metrics.write(trained.metrics)


if __name__ == "__main__":
    run(main)
