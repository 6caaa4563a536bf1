"""Vectors of texts from the spelling of their words: works offline, with equal results on every machine.

Each word, in the singular, is a vector of length 1 over hashed features: the word itself and its substrings
of three to five letters, so that `factorisation` is near `factorization`. A text is the sum of its words,
each weighted by the root of its frequency, scaled to length 1. The order of words, numbers and function words
do not count. So a skill and a text are near if they share words: meaning plays no part. Costs some 0.2 ms per
problem; the first call in a new clone compiles for a second.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jz3.core.compiled import compiled
from jz3.text.singular import singular

Floats = NDArray[np.float32]

WORD = re.compile(r"[^\W\d_]{2,}")
GRAMS = (3, 4, 5)
"""Lengths of the substrings (those of fastText, Bojanowski et al. 2017, except its 6)."""
KNOWN_WORDS = 200_000
"""Words whose features are cached (chosen: 80 MB)."""
_GRAMMAR = """
    an and are as at be been but by can do does each every for from had has have he her his how if in into is
    it its let many may more much no not of on one or our she so some such than that the their them then there
    these they this those to us was we were what when where which who will with would you your
"""
GRAMMAR = frozenset(_GRAMMAR.split())
"""Words that say nothing about a problem's subject (chosen: the frequent ones of mathematical prose)."""


def words_of(text: str, most: int) -> Counter[str]:
    """How often each word occurs among the first `most` of a text."""
    found = WORD.findall(text.lower())[:most]
    return Counter(singular(word) for word in found if word not in GRAMMAR)


def ngram_vectors(texts: Sequence[str], dimensions: int, most_words: int) -> Floats:
    """[texts, dimensions], each row of length 1, or 0 for a text without words."""
    counted = [words_of(text, most_words) for text in texts]
    places: list[NDArray[np.int32]] = []
    weights: list[Floats] = []
    rows: list[int] = []
    for row, words in enumerate(counted):
        for word, count in words.items():
            of_word, weight = _features(word, dimensions)
            places.append(of_word)
            weights.append(weight * np.float32(count**0.5))
            rows.append(row)
    vectors = np.zeros((len(texts), dimensions), dtype=np.float32)
    if places:
        lengths = np.fromiter(map(len, places), np.int64, len(places))
        _add(vectors, np.array(rows), lengths, np.concatenate(places), np.concatenate(weights))
    lengths_of_rows = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    return vectors / np.maximum(lengths_of_rows, 1e-30)[:, None].astype(np.float32)


@lru_cache(maxsize=KNOWN_WORDS)
def _features(word: str, dimensions: int) -> tuple[NDArray[np.int32], Floats]:
    """Indices and signs of a word's features, which together have length 1."""
    framed = f"<{word}>"
    parts = [framed, *(framed[at : at + n] for n in GRAMS for at in range(len(framed) - n + 1))]
    hashes = [_hash(part) for part in dict.fromkeys(parts)]
    places = np.array([number % dimensions for number in hashes], dtype=np.int32)
    signs = np.array([1.0 if number >> 63 else -1.0 for number in hashes], dtype=np.float32)
    return places, signs / np.float32(len(hashes) ** 0.5)


def _hash(part: str) -> int:
    digest = hashlib.blake2b(part.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


@compiled
def _add(vectors: Floats, rows: Any, lengths: Any, places: Any, weights: Floats) -> None:  # noqa: ANN401
    at = 0
    for number in range(len(rows)):
        for _ in range(lengths[number]):
            vectors[rows[number], places[at]] += weights[at]
            at += 1
