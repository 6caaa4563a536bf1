"""The model writes a problem for each text."""

from jz3.small.ask import AskParams, ask
from jz3.small.tables import Written

from jz3.core.artifacts import InFiles, Out
from jz3.core.execution import Execution
from jz3.core.stage import run
from jz3.tables.failure import Failure


def main(
    params: AskParams,
    execution: Execution,
    texts: InFiles,
    templates: InFiles,
    completions: Out[Written],
    failures: Out[Failure],
) -> None:
    written, failed = ask(texts, templates, params, execution)
    completions.write(written)
    failures.write(failed)


if __name__ == "__main__":
    run(main)
