"""Sets of word windows as sorted arrays of 64-bit hashes, and their similarity.

The hashes are the same on every machine and in every run. Two different windows have the same hash once in
2^64 comparisons, which is never for sets of this size. Costs 8 bytes per window.
"""

import mmap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import IO

import numpy as np

from jz3.core.compiled import compiled
from jz3.text.word_hashes import I64, U64, Texts

_BASE = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no bit of an earlier word is lost in a window's hash (the golden ratio in 64 bits)."""


@dataclass(frozen=True)
class Sets:
    """Several sorted sets in one array: set i is `values[starts[i]:starts[i + 1]]`."""

    values: U64
    starts: I64
    file: mmap.mmap | None = None
    """The file that holds the values, if this process's memory does not."""

    def give_back(self) -> None:
        """Release the pages of the file that were read into memory; later reads load them again."""
        if self.file is not None:
            self.file.madvise(mmap.MADV_DONTNEED)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, number: int) -> U64:
        return self.values[self.starts[number] : self.starts[number + 1]]


def shingles(texts: Texts, n: int) -> Sets:
    """The set of each text's windows of n words; a shorter text has one window of all its words."""
    values, counts = _shingles(texts.hashes, texts.starts, n)
    return Sets(values, np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts)]))


def sequence_hashes(texts: Texts) -> U64:
    """One hash of all words of each text in order."""
    return _sequences(texts.hashes, texts.starts)


def gathered(parts: Iterable[Sets], file: IO[bytes]) -> Sets:
    """All sets of the parts, with their values in the file, which must be empty."""
    sizes = [np.zeros(1, dtype=np.int64)]
    for part in parts:
        part.values.tofile(file)
        sizes.append(np.diff(part.starts))
    file.flush()
    starts = np.cumsum(np.concatenate(sizes))
    if not starts[-1]:
        return Sets(np.empty(0, dtype=np.uint64), starts)
    pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Sets(np.frombuffer(pages, dtype=np.uint64), starts, pages)


def jaccard(one: U64, other: U64) -> float:
    """The Jaccard similarity of two sorted sets; two empty ones have similarity 1."""
    shared = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - shared
    return shared / union if union else 1.0


@compiled
def _shingles(hashes: U64, starts: I64, n: int) -> tuple[U64, I64]:
    rows = len(starts) - 1
    values = np.empty(len(hashes), dtype=np.uint64)
    counts = np.zeros(rows, dtype=np.int64)
    total = 0
    for row in range(rows):
        start, length = starts[row], starts[row + 1] - starts[row]
        width = min(n, length)
        if width == 0:
            continue
        own = np.empty(length - width + 1, dtype=np.uint64)
        for at in range(len(own)):
            value = np.uint64(0)
            for offset in range(width):
                value = value * _BASE + hashes[start + at + offset]
            own[at] = _mixed(np.uint64(value))
        own.sort()
        for at in range(len(own)):
            if at == 0 or own[at] != own[at - 1]:
                values[total] = own[at]
                total += 1
                counts[row] += 1
    return values[:total].copy(), counts


@compiled
def _sequences(hashes: U64, starts: I64) -> U64:
    rows = len(starts) - 1
    found = np.empty(rows, dtype=np.uint64)
    for row in range(rows):
        value = np.uint64(starts[row + 1] - starts[row])
        for at in range(starts[row], starts[row + 1]):
            value = _mixed(np.uint64(value * _BASE + hashes[at]))
        found[row] = value
    return found


@compiled
def _mixed(value: np.uint64) -> np.uint64:
    """Spread differences in the low bits over all bits (the finalizer of splitmix64)."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))
