"""Windows of words: every n words in a row of many texts, and those of them that may be known.

A filter has one bit set for each known hash, so that a pass over millions of rows looks up the few windows
that may be known and no others. Costs: some 2 ns a word and window length; 8 bytes a window that is found.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jz3.core.compiled import compiled
from jz3.curation.fingerprints import I64, U64
from jz3.text.word_hashes import Texts

_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no bit of an earlier word is lost in a window's hash (the golden ratio in 64 bits)."""
_BITS_PER_HASH = 32
"""So one unknown window in 32 is looked up in vain (chosen: 1 MB for the benchmarks at hand)."""


@dataclass(frozen=True)
class Filter:
    """Bit h >> shift is set for each known hash h."""

    bits: npt.NDArray[np.uint8]
    shift: int

    @classmethod
    def of(cls, hashes: U64) -> "Filter":
        width = max(3, int(max(len(hashes), 1) * _BITS_PER_HASH - 1).bit_length())
        places = (hashes >> np.uint64(64 - width)).astype(np.int64)
        bits = np.zeros(2 ** (width - 3), dtype=np.uint8)
        np.bitwise_or.at(bits, places >> 3, np.uint8(1) << (places & 7).astype(np.uint8))
        return cls(bits, 64 - width)

    @classmethod
    def open(cls) -> "Filter":
        """Lets every hash through."""
        return cls(np.full(1, 255, dtype=np.uint8), 61)


@dataclass(frozen=True)
class Windows:
    """Windows of n words that lie in one text: their hashes, and the texts' numbers."""

    hashes: U64
    texts: I64


def windows(texts: Texts, n: int, known: Filter | None = None) -> Windows:
    """The windows of n words of each text, in order; with a filter only those that may be known. A text
    shorter than n has none.
    """
    let_through = known or Filter.open()
    return Windows(*_windows(texts.hashes, texts.starts, n, let_through.bits, let_through.shift))


@compiled
def _windows(hashes: U64, starts: I64, n: int, bits: npt.NDArray[np.uint8], shift: int) -> tuple[U64, I64]:
    found, owners = np.empty(1024, dtype=np.uint64), np.empty(1024, dtype=np.int64)
    total = 0
    leaving = np.uint64(1)  # the factor of the word that leaves the window
    for _ in range(n):
        leaving *= _BASE
    for row in range(len(starts) - 1):
        value = np.uint64(0)
        first = starts[row]
        for at in range(first, starts[row + 1]):
            value = value * _BASE + hashes[at]
            if at >= first + n:
                value -= leaving * hashes[at - n]
            if at < first + n - 1:
                continue
            place = value >> np.uint64(shift)
            if not (bits[place >> np.uint64(3)] >> np.uint8(place & np.uint64(7))) & 1:
                continue
            if total == len(found):
                found = np.concatenate((found, np.empty_like(found)))
                owners = np.concatenate((owners, np.empty_like(owners)))
            found[total], owners[total] = value, row
            total += 1
    return found[:total].copy(), owners[:total].copy()
