"""Build the base models and their tokenizer, or name models that were fetched."""

from jz3.core.artifacts import In, InFiles, Metrics, OutDir
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.passage import Passage
from jz3.training.base import BaseParams, base


def main(
    params: BaseParams,
    execution: Execution,
    corpus: In[Passage],
    models: InFiles,
    synthesis: OutDir[ModelManifest],
    reference: OutDir[ModelManifest],
    final: OutDir[ModelManifest],
    metrics: Metrics,
) -> None:
    with synthesis.open() as first, reference.open() as second, final.open() as third:
        metrics.write(base(corpus.read(), params, models, first, second, third, execution))


if __name__ == "__main__":
    run(main)
