"""Value problems by their similarity to skills."""

from jz3.core.artifacts import In, InDir, InFiles, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.lm.model import load_tokenizer
from jz3.selection.value import ValueParams, read_graph, valued
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.value import Value
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.vectors.encoder import open_encoder


def main(
    params: ValueParams,
    execution: Execution,
    problems: In[Problem],
    references: In[Problem],
    workings: InDir[WorkingsManifest],
    models: InFiles,
    tokenizer: InDir[ModelManifest],
    values: Out[Value],
    metrics: Metrics,
) -> None:
    encode, reader = open_encoder(params.encoder, models, execution), load_tokenizer(tokenizer.path)
    found = valued(problems, references.read(), read_graph(workings), encode, reader, params)
    metrics.write(values.sink(found))


if __name__ == "__main__":
    run(main)
