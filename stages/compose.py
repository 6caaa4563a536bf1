"""Put passages into the templates of their levels."""

from jz3.core.artifacts import In, InFiles, Metrics, Out
from jz3.core.stage import run
from jz3.corpus.compose import ComposeParams, compose
from jz3.corpus.templates import read_templates
from jz3.tables.passage import Passage
from jz3.tables.prompt import Prompt


def main(
    params: ComposeParams,
    passages: In[Passage],
    templates: InFiles,
    prompts: Out[Prompt],
    metrics: Metrics,
) -> None:
    read = read_templates(templates, params.levels)
    composed = compose(passages.scan(), passages.frames(), read, params)
    metrics.write(prompts.sink_unsorted(composed))


if __name__ == "__main__":
    run(main)
