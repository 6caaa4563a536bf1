"""Draw the passages of each round by hash."""

from jz3.core.artifacts import Metrics, Out
from jz3.core.fan_in import InTables
from jz3.core.stage import run
from jz3.corpus.sample import SampleParams, draw, passage_frames, passage_ids, passages_of
from jz3.tables.passage import Passage


def main(
    params: SampleParams,
    passages: InTables[Passage],
    initial: Out[Passage],
    candidates: Out[Passage],
    corpus: Out[Passage],
    metrics: Metrics,
) -> None:
    sources = passages.tables()
    drawn = draw(passage_ids(sources), params)
    initial.sink(passages_of("initial", passage_frames(sources), drawn))
    candidates.sink(passages_of("candidates", passage_frames(sources), drawn))
    corpus.sink(passages_of("corpus", passage_frames(sources), drawn))
    metrics.write(drawn.metrics)


if __name__ == "__main__":
    run(main)
