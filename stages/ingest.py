"""Cut the texts of a source into passages."""

from jz3.core.artifacts import InFiles, Metrics, Out
from jz3.core.stage import run
from jz3.corpus.ingest import Ingestion, IngestParams
from jz3.tables.passage import Passage
from jz3.tables.reject import Reject


def main(
    params: IngestParams,
    raw: InFiles,
    passages: Out[Passage],
    rejects: Out[Reject],
    metrics: Metrics,
) -> None:
    ingestion = Ingestion(raw, params)
    passages.sink(ingestion.passages(passages.path.parent))
    rejects.write(ingestion.rejects())
    metrics.write(ingestion.metrics())


if __name__ == "__main__":
    run(main)
