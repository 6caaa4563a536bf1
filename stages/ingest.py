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
    cut, rejected, account = ingest(raw, params)
    passages.write(cut)
    rejects.write(rejected)
    metrics.write(account)


if __name__ == "__main__":
    run(main)
