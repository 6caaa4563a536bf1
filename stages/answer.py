"""Answer the benchmarks with a final model."""

from jz3.core.artifacts import In, InDir, InFiles, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.evaluation.answer import AnswerParams, answer
from jz3.generation.engines import open_engine
from jz3.tables.forced_end import ForcedEnd
from jz3.tables.item import Item
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.response import Response


def main(
    params: AnswerParams,
    execution: Execution,
    items: In[Item],
    shots: InFiles,
    model: InDir[ModelManifest],
    responses: Out[Response],
    forced_ends: Out[ForcedEnd],
    metrics: Metrics,
) -> None:
    with open_engine(params.engine, model, params.dtype, execution) as engine:
        answered = answer(items.read(), shots, engine, params, execution)
    responses.write(answered.responses)
    forced_ends.write(answered.forced_ends)
    metrics.write(answered.metrics)


if __name__ == "__main__":
    run(main)
