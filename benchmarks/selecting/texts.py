"""Selectors that read texts alone: BM25, the length of a solution, and chance.

Each gives scores [N candidates, T targets]; those that know no target give all the same.
"""

# ruff: noqa: N806 (names of arrays end in their shape)

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

K1, B = 1.5, 0.75
"""Usual values, the defaults of the package rank-bm25, with which baselines are commonly computed."""
TERMS = re.compile(r"\w+|[^\w\s]")


def bm25(candidates: Sequence[str], targets: Sequence[str]) -> Array:
    """[N, T]: each target, its solution too, is a query, each candidate a document.

    Okapi BM25 (Robertson and Zaragoza 2009) with Lucene's logarithm, which is never negative: idf = ln(1 + (N
    - n + 0.5) / (n + 0.5)). A term that a query repeats counts each time.
    """
    documents = [Counter(_terms(text)) for text in candidates]
    lengths = [document.total() for document in documents]
    mean_length = sum(lengths) / max(1, len(lengths))
    containing = Counter(term for document in documents for term in document)
    idf = {term: math.log(1 + (len(documents) - n + 0.5) / (n + 0.5)) for term, n in containing.items()}
    queries = [Counter(_terms(text)) for text in targets]
    scores_NT = np.zeros((len(documents), len(queries)))
    for row, (document, length) in enumerate(zip(documents, lengths, strict=True)):
        weights = {
            term: idf[term] * n * (K1 + 1) / (n + K1 * (1 - B + B * length / mean_length))
            for term, n in document.items()
        }
        for column, query in enumerate(queries):
            scores_NT[row, column] = sum(n * weights.get(term, 0.0) for term, n in query.items())
    return scores_NT


def without_targets(values: Sequence[float], targets: int) -> Array:
    """[N, T] from scores that are the same for every target, such as the length of a solution."""
    return np.repeat(np.asarray(values, dtype=np.float64)[:, None], targets, axis=1)


def chance(candidates: int, targets: int, seed: int) -> Array:
    return np.random.Generator(np.random.Philox(seed)).standard_normal((candidates, targets))


def _terms(text: str) -> list[str]:
    return TERMS.findall(text.lower())
