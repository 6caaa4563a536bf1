"""Let a synthesis model write problems: one completion for each prompt."""

from jz3.core.artifacts import In, InDir, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.generation.engines import open_engine
from jz3.synthesis.synthesize import Synthesis, SynthesizeParams, form_of
from jz3.tables.completion import Completion
from jz3.tables.failure import Failure
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.prompt import Prompt


def main(
    params: SynthesizeParams,
    execution: Execution,
    prompts: In[Prompt],
    model: InDir[ModelManifest],
    completions: Out[Completion],
    failures: Out[Failure],
    metrics: Metrics,
) -> None:
    with open_engine(params.engine, model, params.dtype, execution) as engine:
        synthesis = Synthesis(prompts.scan(), form_of(model), engine, params, execution)
        synthesized = completions.sink(synthesis.completions(), synthesis.notes())
    failures.write(synthesized.failures)
    metrics.write(synthesized.metrics)


if __name__ == "__main__":
    run(main)
