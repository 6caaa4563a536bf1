"""How much texts repeat themselves, after Rae et al. 2021 (Gopher), table A1, with shares of words.

Costs some 10 microseconds for a text of 250 words and each window length; a text that may exceed a bound,
judging by the number of its repeated windows, is counted again word by word.
"""

from typing import Annotated

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from jz3.core.params import Params
from jz3.curation.fingerprints import I64
from jz3.curation.patterns import WORD, Share
from jz3.curation.windows import windows
from jz3.text.word_hashes import Texts

_LINE_WORDS = 4
"""Shorter lines (`\\[`, a step's number) are repeated in any solution (chosen)."""

_TABLE = r"\{(?:[a-zA-Z]?matrix|smallmatrix|array)\*?\}"
_MATRIX = rf"(?s)\\begin{_TABLE}.*?\\end{_TABLE}"

F64 = NDArray[np.float64]


Words = Annotated[int, Field(ge=1)]


class Repetition(Params):
    """Limits on how much a solution's prose repeats itself: Gopher's, but wider where mathematics repeats."""

    least_words: int = Field(ge=1)
    """Shorter prose is not judged."""
    lines: Share
    """The largest share of repeated lines."""
    most_frequent: dict[Words, Share]
    """The largest share of the most frequent n-gram, by n."""
    repeated: dict[Words, Share]
    """The largest share of words in repeated n-grams, by n."""


def repetitions(texts: pl.Series, bounds: Repetition) -> pl.Series:
    """What each text repeats too much, in words; null if nothing."""
    # The rows of a matrix may repeat freely: each matrix is one word.
    words = texts.str.replace_all(_MATRIX, " matrix ").str.to_lowercase().str.extract_all(WORD)
    judged = (words.list.len() >= bounds.least_words).arg_true()
    if not judged.len():
        return pl.Series(texts.name, [None] * texts.len(), dtype=pl.String)
    sequences = coded(words.gather(judged))
    found: list[tuple[str, F64, float]] = [
        ("repeated lines", repeated_lines_share(texts.gather(judged)), bounds.lines)
    ]
    found += [
        (f"most frequent {n}-grams", most_frequent_share(sequences, n), bound)
        for n, bound in bounds.most_frequent.items()
    ]
    found += [
        (f"repeated {n}-grams", repeated_share(sequences, n, bound), bound)
        for n, bound in bounds.repeated.items()
    ]
    evidence = np.full(texts.len(), None, dtype=object)
    for name, shares, bound in reversed(found):
        for place in np.flatnonzero(shares > bound):
            evidence[judged[int(place)]] = f"{name} {shares[place]:.3f}"
    return pl.Series(texts.name, evidence.tolist(), dtype=pl.String)


def repeated_share(texts: Texts, n: int, above: float) -> F64:
    """Share of each text's words in windows of n words that have occurred before; exact if it may be above
    the bound, else 0.
    """
    lengths = np.maximum(texts.lengths, 1)
    keys, owners = _keys(texts, n)
    ordered = np.sort(keys)
    again = np.bincount(
        (ordered[1:][ordered[1:] == ordered[:-1]] >> _HASH_BITS).astype(np.int64), minlength=len(lengths)
    )
    shares = np.zeros(len(lengths))
    suspects = np.flatnonzero(n * again > above * lengths)
    if len(suspects):
        chosen = np.isin(owners, suspects)
        shares[suspects] = _covered(texts, n, keys[chosen], owners[chosen])[suspects] / lengths[suspects]
    return shares


def most_frequent_share(texts: Texts, n: int) -> F64:
    """Share of each text's words in its most frequent window of n words; 0 if no window occurs twice."""
    ordered = np.sort(_keys(texts, n)[0])
    firsts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])) if len(ordered) else []
    counts = np.diff(np.append(firsts, len(ordered)))
    most = np.zeros(len(texts.lengths), dtype=np.int64)
    np.maximum.at(most, (ordered[firsts] >> _HASH_BITS).astype(np.int64), counts)
    return np.where(most > 1, np.minimum(1.0, n * most / np.maximum(texts.lengths, 1)), 0.0)


def repeated_lines_share(texts: pl.Series) -> F64:
    """Share of each text's lines that have occurred before, among lines of at least _LINE_WORDS words."""
    lines = (
        pl.DataFrame({"line": texts})
        .with_row_index("text")
        .with_columns(pl.col("line").str.split("\n"))
        .explode("line")
        .with_columns(pl.col("line").str.strip_chars())
        .filter(pl.col("line").str.count_matches(WORD) >= _LINE_WORDS)
        .group_by("text")
        .agg(again=1 - pl.col("line").n_unique() / pl.len())
    )
    shares = np.zeros(texts.len())
    shares[lines["text"].to_numpy()] = lines["again"].to_numpy()
    return shares


_HASH_BITS = np.uint64(40)
"""Bits of a key that hold the hash; the others hold the text's number. In a text of 1,000 windows two
different ones have the same key in one of two million texts.
"""


def coded(words: pl.Series) -> Texts:
    """Lists of words as numbers; only which ones are equal matters."""
    starts = np.zeros(words.len() + 1, dtype=np.int64)
    np.cumsum(words.list.len().to_numpy(), out=starts[1:])
    return Texts(words.explode(empty_as_null=False).hash().to_numpy(), starts)


def _keys(texts: Texts, n: int) -> tuple[NDArray[np.uint64], I64]:
    """A key for each window, equal for equal windows of one text, and the text of each."""
    found = windows(texts, n)
    owners = found.texts.astype(np.uint64)
    assert len(texts.lengths) <= 1 << (64 - int(_HASH_BITS))
    return (owners << _HASH_BITS) | (found.hashes >> (np.uint64(64) - _HASH_BITS)), found.texts


def _covered(texts: Texts, n: int, keys: NDArray[np.uint64], owners: I64) -> I64:
    """Words of each text in windows that have occurred before; needs all windows of the texts in question."""
    order = np.argsort(keys, kind="stable")
    again = np.zeros(len(keys), dtype=bool)
    again[order[1:]] = keys[order[1:]] == keys[order[:-1]]
    first_window = np.searchsorted(owners, owners)
    places = (texts.starts[owners] + np.arange(len(keys)) - first_window)[again]
    bounds = np.zeros(len(texts.hashes) + 1, dtype=np.int64)
    np.add.at(bounds, places, 1)
    np.add.at(bounds, places + n, -1)
    inside = np.cumsum(bounds[:-1]) > 0
    return np.diff(np.concatenate([[0], np.cumsum(inside)])[texts.starts])
