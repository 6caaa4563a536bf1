"""Words as numbers: a text becomes an array of 64-bit hashes of its words, and windows of words become hashes
that numpy finds in one pass over many texts.

The hashes are the same on every machine and in every run. Two windows that differ agree by chance once in
2^64 comparisons, which is never for the sets at hand. Costs: 8 bytes a word or window.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

U64: TypeAlias = npt.NDArray[np.uint64]
I64: TypeAlias = npt.NDArray[np.int64]

_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no bit of an earlier word is lost in a window's hash (the golden ratio in 64 bits)."""


@lru_cache(maxsize=1 << 20)
def word_hash(word: str) -> int:
    """64 bits of a word."""
    return int.from_bytes(
        hashlib.blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big"
    )


@dataclass(frozen=True)
class Texts:
    """Several texts as one array of word hashes: text i is `hashes[starts[i]:starts[i + 1]]`."""

    hashes: U64
    starts: I64

    @classmethod
    def of(cls, sequences: Iterable[Sequence[str]]) -> "Texts":
        hashed = [[word_hash(word) for word in sequence] for sequence in sequences]
        starts = np.zeros(len(hashed) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in hashed], out=starts[1:])
        return cls(np.array([word for text in hashed for word in text], dtype=np.uint64), starts)

    @property
    def lengths(self) -> I64:
        """Words of each text."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Windows:
    """Every window of n words that lies in one text: its hash, and the text's number."""

    hashes: U64
    texts: I64


def windows(texts: Texts, n: int) -> Windows:
    """The windows of n words of each text, in order; a text shorter than n has none."""
    count = len(texts.hashes) - n + 1
    if count <= 0:
        return Windows(np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64))
    rolled = np.zeros(count, dtype=np.uint64)
    for offset in range(n):
        rolled = rolled * _BASE + texts.hashes[offset : offset + count]
    owners = np.repeat(np.arange(len(texts.lengths), dtype=np.int64), texts.lengths)
    inside = owners[:count] == owners[n - 1 :]
    return Windows(_mixed(rolled[inside]), owners[:count][inside])


def shingles(texts: Texts, n: int) -> list[U64]:
    """The set of each text's windows of n words, sorted; of a shorter text its one window of all words."""
    found = windows(texts, n)
    bounds = np.searchsorted(found.texts, np.arange(len(texts.lengths) + 1))
    sets = [np.unique(found.hashes[start:end]) for start, end in pairwise(bounds)]
    for number in np.flatnonzero(texts.lengths < n):
        own = texts.hashes[texts.starts[number] : texts.starts[number + 1]]
        sets[number] = windows(Texts(own, np.array([0, len(own)])), len(own)).hashes if len(own) else own
    return sets


def jaccard(one: U64, other: U64) -> float:
    """Shared share of two sorted sets; two empty ones are alike."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - shared
    return shared / union if union else 1.0


def _mixed(values: U64) -> U64:
    """Spreads what differs in the low bits over all of them (the finalizer of splitmix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
