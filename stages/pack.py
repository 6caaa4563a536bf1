"""Pack a training set into blocks of tokens."""

from jz3.core.artifacts import In, InDir, Metrics, OutDir
from jz3.core.stage import run
from jz3.tables.blocks_manifest import BlocksManifest
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.training_row import TrainingRow
from jz3.training.pack import PackParams, pack


def main(
    params: PackParams,
    training: In[TrainingRow],
    base: InDir[ModelManifest],
    blocks: OutDir[BlocksManifest],
    metrics: Metrics,
) -> None:
    with blocks.open() as directory:
        metrics.write(pack(training, base.path, directory, params))


if __name__ == "__main__":
    run(main)
