"""Put passages into the templates of their levels."""

from jz3.core.artifacts import In, InFiles, Metrics, Out
from jz3.core.stage import run
from jz3.corpus.compose import FRAME_ROWS, ComposeParams, Composition
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
    composition = Composition(passages.scan(), read_templates(templates), params)
    prompts.sink(composition.prompts(passages.frames(FRAME_ROWS), prompts.path.parent))
    metrics.write(composition.metrics())


if __name__ == "__main__":
    run(main)
