"""Draw the passages of each round by hash."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.corpus.sample import SampleParams, draw, passage_frames, passage_ids, rounds
from jz3.tables.passage import Passage


def main(
    params: SampleParams,
    docstrings: In[Passage],
    web: In[Passage],
    arxiv: In[Passage],
    stackexchange: In[Passage],
    wikipedia: In[Passage],
    proofwiki: In[Passage],
    textbooks: In[Passage],
    initial: Out[Passage],
    candidates: Out[Passage],
    corpus: Out[Passage],
    metrics: Metrics,
) -> None:
    sources = {
        "docstrings": docstrings,
        "web": web,
        "arxiv": arxiv,
        "stackexchange": stackexchange,
        "wikipedia": wikipedia,
        "proofwiki": proofwiki,
        "textbooks": textbooks,
    }
    drawn = draw(passage_ids(sources), params)
    with rounds(passage_frames(sources), drawn, corpus.path.parent) as passages:
        initial.sink(passages["initial"])
        candidates.sink(passages["candidates"])
        corpus.sink(passages["corpus"])
    metrics.write(drawn.metrics)


if __name__ == "__main__":
    run(main)
