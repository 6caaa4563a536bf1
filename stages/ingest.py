"""Cut the texts of a source into passages."""

from jz3.core.artifacts import InFiles, Metrics, Out
from jz3.core.stage import run
from jz3.corpus.ingest import IngestParams, ingest
from jz3.tables.passage import Passage
from jz3.tables.reject import Reject


def main(
    params: IngestParams,
    raw: InFiles,
    passages: Out[Passage],
    rejects: Out[Reject],
    metrics: Metrics,
) -> None:
    ingested = passages.sink_unsorted(ingest(raw, params))
    rejects.write(ingested.rejects)
    metrics.write(ingested.metrics)


if __name__ == "__main__":
    run(main)
