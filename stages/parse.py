"""Extract problems and solutions from completions."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.synthesis.parse import ParseParams, parse
from jz3.tables.completion import Completion
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject


def main(
    params: ParseParams,
    execution: Execution,
    completions: In[Completion],
    prompts: In[Prompt],
    problems: Out[Problem],
    rejects: Out[Reject],
    metrics: Metrics,
) -> None:
    frames, read = completions.frames(), completions.rows()
    parsed = problems.sink(parse(frames, read, prompts.scan(), params, execution.threads))
    rejects.write(parsed.rejects)
    metrics.write(parsed.metrics)


if __name__ == "__main__":
    run(main)
