"""Draw the passages of each round by hash."""

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.stage import run
from jz3.corpus.sample import SampleParams, sample
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
        "docstrings": docstrings.read(),
        "web": web.read(),
        "arxiv": arxiv.read(),
        "stackexchange": stackexchange.read(),
        "wikipedia": wikipedia.read(),
        "proofwiki": proofwiki.read(),
        "textbooks": textbooks.read(),
    }
    draw = sample(sources, params)
    initial.write(draw.initial)
    candidates.write(draw.candidates)
    corpus.write(draw.corpus)
    metrics.write(draw.metrics)


if __name__ == "__main__":
    run(main)
