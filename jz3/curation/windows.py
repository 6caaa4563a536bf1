"""Windows of words: every n consecutive words of many texts, or only those that may be known.

A filter has one bit set for each known hash, so that a pass over millions of rows looks up only the few
windows that may be known. Costs some 2 ns per word and length, and 8 bytes per window found.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from jz3.core.compiled import compiled
from jz3.curation.fingerprints import I64, U64
from jz3.text.word_hashes import Texts

_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no bit of an earlier word is lost in a window's hash (the golden ratio in 64 bits)."""
_LENGTH = np.uint64(0xD1B54A32D192ED03)
"""Multiplied by the length, it separates windows of different lengths (odd, of the R2 sequence in 64
bits).
"""
_BITS_PER_HASH = 32
"""With these, one unknown window in 32 is looked up in vain (chosen: 1 MB for the present benchmarks)."""


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
        """A filter that lets every hash through."""
        return cls(np.full(1, 255, dtype=np.uint8), 61)


@dataclass(frozen=True)
class Windows:
    """Windows of words, each within one text: their hashes, and the numbers of their texts."""

    hashes: U64
    texts: I64


def windows(texts: Texts, *lengths: int, known: Filter | None = None) -> Windows:
    """The windows of each length in words, of each text, in order; with a filter only those that may be
    known.

    A text shorter than a length has no window of it. Equal words give different hashes for different lengths.
    """
    let_through = known or Filter.open()
    widths = np.array(lengths, dtype=np.int64)
    return Windows(*_windows(texts.hashes, texts.starts, widths, let_through.bits, let_through.shift))


@compiled
def _windows(
    hashes: U64, starts: I64, widths: I64, bits: npt.NDArray[np.uint8], shift: int
) -> tuple[U64, I64]:
    found, owners = np.empty(1024, dtype=np.uint64), np.empty(1024, dtype=np.int64)
    total = 0
    powers = np.ones(len(widths), dtype=np.uint64)  # the factor of the words before a window
    for place, width in enumerate(widths):
        for _ in range(width):
            powers[place] *= _BASE
    sums = np.zeros(np.max(np.diff(starts)) + 1 if len(starts) > 1 else 1, dtype=np.uint64)
    for row in range(len(starts) - 1):
        length = starts[row + 1] - starts[row]
        for at in range(length):
            sums[at + 1] = sums[at] * _BASE + hashes[starts[row] + at]
        for place, width in enumerate(widths):
            for at in range(length - width + 1):
                value = sums[at + width] - sums[at] * powers[place] + np.uint64(width) * _LENGTH
                bit = value >> np.uint64(shift)
                if not (bits[bit >> np.uint64(3)] >> np.uint8(bit & np.uint64(7))) & 1:
                    continue
                if total == len(found):
                    found = np.concatenate((found, np.empty_like(found)))
                    owners = np.concatenate((owners, np.empty_like(owners)))
                found[total], owners[total] = value, row
                total += 1
    return found[:total].copy(), owners[:total].copy()
