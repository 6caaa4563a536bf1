"""Build the training set of a model, in training order."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.curation.mix import Companions, Judged, MixParams, mix
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.lacking import Lacking
from jz3.tables.lineage import Lineage
from jz3.tables.problem import Problem
from jz3.tables.thought import Thought
from jz3.tables.training_row import TrainingRow
from jz3.tables.verdict import Verdict


def main(
    params: MixParams,
    problems: In[Problem],
    results: In[ExecutionResult],
    executed: In[Verdict],
    filtered: In[Verdict],
    deduped: In[Verdict],
    decontaminated: In[Verdict],
    instructions: In[Problem],
    decontaminated_instructions: In[Verdict],
    lineage: In[Lineage],
    thoughts: In[Thought],
    training: Out[TrainingRow],
    thoughtless: Out[Lacking],
    metrics: Metrics,
) -> None:
    verdicts = [executed.read(), filtered.read(), deduped.read(), decontaminated.read()]
    synthetic = Judged(problems.scan(), verdicts)
    instruction = Judged(instructions.scan(), [decontaminated_instructions.read()])
    companions = Companions(results.read(), lineage.scan(), thoughts.scan())
    rows = mix(synthetic, instruction, companions, params, training.scratch)
    account = training.sink(rows)
    thoughtless.write(account.thoughtless)
    metrics.write(account.metrics)


if __name__ == "__main__":
    run(main)
