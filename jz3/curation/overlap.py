"""Which rows repeat which benchmark items, and how.

Classes, strongest first; a pair of row and item has the first that fits:
- `ngram`: they share `ngram` consecutive words;
- `whole`: all their letters and digits are the same, or the row contains all words of an item shorter than
  `ngram` in order (at least `least_contained_words` of them, or a large share of the row);
- `short_ngram`: they share runs of `short_ngram` consecutive words that together make up a large enough share
  of the item's;
- `number_masked`: all words are the same and only numbers differ. This class is only reported.

Case, spacing, punctuation and the spelling of mathematics do not matter (`jz3.text.words`). A row that
repeats a whole item is always found; a longer `ngram` never finds more rows. Words and questions are compared
as 64-bit hashes. Costs a compiled pass over the rows for each window length, and memory for the items'
windows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from pydantic import Field

from jz3.core.params import Params
from jz3.curation.fingerprints import I64, U64, sequence_hashes
from jz3.curation.patterns import WORD
from jz3.curation.windows import Filter, windows
from jz3.text.word_hashes import Spelt, Texts, hashed_letters, hashed_words

CLASSES = ("ngram", "whole", "short_ngram", "number_masked")


class DecontaminateParams(Params):
    """What counts as a repeated item."""

    ngram: int = Field(ge=1)
    """Consecutive words shared with an item that make a row a hit."""
    least_contained_words: int = Field(ge=1)
    """A shorter item with this many words, including LaTeX commands, counts anywhere in a row; one with fewer
    words only if it makes up `least_filled_share` of the row.
    """
    least_filled_share: float = Field(gt=0, le=1)
    short_ngram: int = Field(ge=1)
    """Consecutive words that count only together with `short_ngram_coverage`."""
    short_ngram_coverage: float = Field(gt=0, le=1)
    """The lowest share of the item's short n-grams that makes a row a hit."""
    least_masked_words: int = Field(ge=1)
    """Items with fewer words are not compared with masked numbers."""


@dataclass(frozen=True)
class HashIndex:
    """Hashes of many items, sorted, with the numbers of the items, each pair once."""

    hashes: U64
    items: I64

    @classmethod
    def of(cls, hashes: U64, items: I64) -> "HashIndex":
        return cls(*_unique_pairs(hashes, items))

    def pairs(self, hashes: U64, rows: I64) -> tuple[I64, I64]:
        """Row and item of each different hash that they share, as two arrays of numbers."""
        if not len(self.hashes):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        known = self.hashes[np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)]
        shared, rows = _unique_pairs(hashes[known == hashes], rows[known == hashes])
        first = np.searchsorted(self.hashes, shared, side="left")
        counts = np.searchsorted(self.hashes, shared, side="right") - first
        # Equal hashes are adjacent: for each shared one, count 0, 1, ... from the first.
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        return np.repeat(rows, counts), self.items[np.repeat(first, counts) + steps]


@dataclass(frozen=True)
class WindowIndex:
    """Windows of many items, of one or several lengths in words."""

    lengths: tuple[int, ...]
    index: HashIndex
    filter: Filter

    @classmethod
    def of(cls, texts: Texts, n: int) -> "WindowIndex":
        """All windows of n words."""
        found = windows(texts, n)
        return cls((n,), *_filtered(HashIndex.of(found.hashes, found.texts)))

    @classmethod
    def of_whole(cls, texts: Texts, below: int) -> "WindowIndex":
        """The items with fewer words than that, each as a single window of all its words."""
        lengths = tuple(n for n in np.unique(texts.lengths).tolist() if 0 < n < below)
        found = [windows(texts, n) for n in lengths]
        whole = [texts.lengths[some.texts] == n for n, some in zip(lengths, found, strict=True)]
        hashes = [some.hashes[chosen] for some, chosen in zip(found, whole, strict=True)]
        items = [some.texts[chosen] for some, chosen in zip(found, whole, strict=True)]
        index = HashIndex.of(np.concatenate([_NO_HASH, *hashes]), np.concatenate([_NO_ITEM, *items]))
        return cls(lengths, *_filtered(index))

    def sizes(self, items: int) -> I64:
        """The number of different windows of each item."""
        return np.bincount(self.index.items, minlength=items)

    def pairs(self, texts: Texts) -> tuple[I64, I64]:
        """Row and item of each different window that they share, as two arrays of numbers."""
        found = windows(texts, *self.lengths, known=self.filter)
        return self.index.pairs(found.hashes, found.texts)


_NO_HASH: U64 = np.empty(0, dtype=np.uint64)
_NO_ITEM: I64 = np.empty(0, dtype=np.int64)


def _filtered(index: HashIndex) -> tuple[HashIndex, Filter]:
    return index, Filter.of(index.hashes)


Pair = tuple[int, int]
"""Numbers of a row and an item."""


class ItemIndex:
    """All questions of the benchmarks, ready to be searched for."""

    def __init__(self, questions: pl.Series, params: DecontaminateParams) -> None:
        self._params = params
        spelt = hashed_words(questions)
        texts = spelt.words
        self._lengths = texts.lengths
        # An item's commands count as words here, but for at most half of them; `2i`, which is written as one
        # word, counts as two.
        written = np.minimum(questions.str.count_matches(WORD).to_numpy(), 2 * self._lengths)
        self._long_enough = np.maximum(written, self._lengths) >= params.least_contained_words
        self._ngrams = WindowIndex.of(texts, params.ngram)
        self._contained = WindowIndex.of_whole(texts, params.ngram)
        self._short_ngrams = WindowIndex.of(texts, params.short_ngram)
        self._short_sizes = self._short_ngrams.sizes(len(questions))
        lettered = np.flatnonzero(questions.str.contains(r"\S").to_numpy())
        self._by_letters = [
            HashIndex.of(hashes[lettered], lettered) for hashes in (hashed_letters(questions), spelt.letters)
        ]
        self._by_mask = HashIndex.of(sequence_hashes(spelt.masked), np.arange(len(questions)))

    def hits(self, questions: pl.Series) -> dict[Pair, str]:
        """The class of each pair of row and item that is a hit, sorted by row, then class, then item."""
        spelt = hashed_words(questions)
        texts = spelt.words
        found: dict[Pair, str] = {}
        for hit_class, pairs in (
            ("ngram", _numbered(*self._ngrams.pairs(texts))),
            ("whole", self._whole(questions, spelt)),
            ("short_ngram", self._covered(texts)),
            ("number_masked", self._masked(spelt.masked)),
        ):
            for pair in pairs:
                found.setdefault(pair, hit_class)
        return dict(sorted(found.items(), key=lambda hit: (hit[0][0], CLASSES.index(hit[1]), hit[0][1])))

    def _whole(self, questions: pl.Series, spelt: Spelt) -> Iterator[Pair]:
        texts, numbers = spelt.words, np.arange(len(questions))
        for index, hashes in zip(self._by_letters, (hashed_letters(questions), spelt.letters), strict=True):
            yield from _numbered(*index.pairs(hashes, numbers))
        rows, items = self._contained.pairs(texts)
        fills = self._lengths[items] >= self._params.least_filled_share * texts.lengths[rows]
        counts = self._long_enough[items] | fills
        yield from _numbered(rows[counts], items[counts])

    def _covered(self, texts: Texts) -> Iterator[Pair]:
        rows, items = self._short_ngrams.pairs(texts)
        if not len(rows):
            return
        pairs, counts = np.unique(np.stack((rows, items)), axis=1, return_counts=True)
        covered = counts >= self._params.short_ngram_coverage * self._short_sizes[pairs[1]]
        yield from _numbered(pairs[0][covered], pairs[1][covered])

    def _masked(self, masks: Texts) -> Iterator[Pair]:
        telling = np.flatnonzero(masks.lengths >= self._params.least_masked_words)
        yield from _numbered(*self._by_mask.pairs(sequence_hashes(masks)[telling], telling))


def _unique_pairs(hashes: U64, numbers: I64) -> tuple[U64, I64]:
    """Each pair once, sorted by hash, then number."""
    order = np.lexsort((numbers, hashes))
    hashes, numbers = hashes[order], numbers[order]
    fresh = np.ones(len(hashes), dtype=np.bool_)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (numbers[1:] != numbers[:-1])
    return hashes[fresh], numbers[fresh]


def _numbered(rows: I64, items: I64) -> Iterator[Pair]:
    return zip(rows.tolist(), items.tolist(), strict=True)
