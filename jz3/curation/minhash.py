"""MinHash signatures and their bands: which texts may be alike.

Two sets of Jaccard similarity J share one of b bands of r values with probability 1 - (1 - J^r)^b.
Costs: `permutations` passes over all shingles in numpy.
"""

import numpy as np
import numpy.typing as npt

from jz3.curation.fingerprints import U64

_ROWS = 20_000
"""Sets that are hashed at a time: some 15 MB for questions of 90 words."""


def band_keys(sets: list[U64], bands: int, rows: int) -> U64:
    """[len(sets), bands]: a key for each band of `rows` values; an empty set has keys of its own."""
    parts = [_keys(sets[start : start + _ROWS], start, bands, rows) for start in range(0, len(sets), _ROWS)]
    return np.concatenate([np.empty((0, bands), dtype=np.uint64), *parts])


def _keys(sets: list[U64], first: int, bands: int, rows: int) -> U64:
    keys = np.empty((len(sets), bands), dtype=np.uint64)
    sizes = np.array([len(shingles) for shingles in sets])
    filled = np.flatnonzero(sizes)
    for number in np.flatnonzero(sizes == 0):
        keys[number] = np.uint64(first + number)
    if not len(filled):
        return keys
    values = np.concatenate([sets[number] for number in filled])
    starts = np.concatenate([[0], np.cumsum(sizes[filled])[:-1]])
    multipliers, addends = _permutations(bands * rows)
    for band in range(bands):
        key = np.full(len(filled), np.uint64(band))
        for permutation in range(band * rows, (band + 1) * rows):
            hashed = (values * multipliers[permutation] + addends[permutation]) >> np.uint64(32)
            key = key * np.uint64(0x9E3779B97F4A7C15) + np.minimum.reduceat(hashed, starts)
            key ^= key >> np.uint64(29)
        keys[filled, band] = key
    return keys


def _permutations(count: int) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    """Odd multipliers and addends, the same in every run: PCG64's stream is fixed by its seed."""
    generator = np.random.Generator(np.random.PCG64(20_240_523))
    raw = generator.integers(0, 2**64, size=(2, count), dtype=np.uint64)
    return raw[0] | np.uint64(1), raw[1]
