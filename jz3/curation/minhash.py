"""MinHash signatures and their bands: candidates for texts that are alike.

Two sets of Jaccard similarity J share one of b bands of r values with probability 1 - (1 - J^r)^b.
Costs a second for some 250,000 questions and 64 values, and 4 bytes per row and band.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from jz3.core.compiled import compiled
from jz3.curation.fingerprints import U64, Sets

U32: TypeAlias = npt.NDArray[np.uint32]
I32: TypeAlias = npt.NDArray[np.int32]

ALONE = -1
"""The bucket of a row whose key no other row has."""


def band_keys(sets: Sets, bands: int, rows: int) -> U32:
    """[bands, len(sets)]: a key for each band of `rows` values.

    Sets that differ in a band have the same key once in 2^32 pairs, so callers must compare the sets
    themselves.
    """
    generator = np.random.Generator(np.random.PCG64(20_240_523))  # its stream is fixed by the seed
    raw = generator.integers(0, 2**64, size=(2, bands * rows), dtype=np.uint64)
    return _keys(sets.values, sets.starts, raw[0] | np.uint64(1), raw[1], rows)


def shared_buckets(keys: Iterable[U32], bands: int, rows: int) -> I32:
    """[bands, rows]: the number of each row's bucket in each band, counted from 0 over all bands; ALONE if no
    other row has its key. `keys` come one band at a time.
    """
    buckets = np.full((bands, rows), ALONE, dtype=np.int32)
    first = 0
    for band, found in enumerate(keys):
        values, counts = np.unique(found, return_counts=True)
        values = values[counts > 1]
        if len(values):
            place = np.minimum(np.searchsorted(values, found), len(values) - 1)
            shared = values[place] == found
            buckets[band, shared] = first + place[shared]
            first += len(values)
    return buckets


@compiled
def _keys(values: U64, starts: npt.NDArray[np.int64], multipliers: U64, addends: U64, rows: int) -> U32:
    bands = len(multipliers) // rows
    keys = np.empty((bands, len(starts) - 1), dtype=np.uint32)
    least = np.empty(len(multipliers), dtype=np.uint64)
    for number in range(len(starts) - 1):
        least[:] = np.uint64(0xFFFFFFFF)
        for at in range(starts[number], starts[number + 1]):
            value = values[at]
            for permutation in range(len(least)):
                hashed = (value * multipliers[permutation] + addends[permutation]) >> np.uint64(32)
                least[permutation] = min(least[permutation], hashed)
        for band in range(bands):
            key = np.uint64(band)
            for permutation in range(band * rows, (band + 1) * rows):
                key = key * np.uint64(0x9E3779B97F4A7C15) + least[permutation]
                key ^= key >> np.uint64(29)
            keys[band, number] = np.uint32(key >> np.uint64(32))
    return keys
