"""Which of many sets stay, where of those that are alike only the first may.

The rule: sets are taken in their order; one is dropped if and only if an earlier set that was kept shares a
bucket with it and has a Jaccard similarity at or above the threshold. So no chain of likeness drops a set
that is unlike all kept ones. Costs: one comparison for each pair of a set and an earlier kept one that share
a bucket and are of similar size; 4 bytes a set and band, and 8 for each bucket that a set shares.
"""

import numpy as np

from jz3.core.compiled import compiled
from jz3.curation.fingerprints import I64, U64, Sets
from jz3.curation.minhash import I32

KEPT = -1


LOOKS = 10_000
"""Comparisons until the pages of the sets' file are given back. Linux maps 64 KB around what is read, so that
they are some 0.7 GB at most."""


def survivors(sets: Sets, order: I64, given: int, buckets: I32, threshold: float) -> I64:
    """For each place of `order`, which holds the numbers of the sets, the earliest place that was kept and
    is like it, or KEPT. The first `given` places are kept, whatever they are like. `buckets`: [places, bands]
    """
    count = int(buckets.max(initial=-1)) + 1
    shared = int(np.count_nonzero(buckets >= 0))
    chains = (_none(count), _none(count), _none(shared), _none(shared))
    compared, found = np.full(len(order), -1, dtype=np.int32), np.full(len(order), KEPT, dtype=np.int64)
    place = used = 0
    while place < len(order):
        place, used = _survivors(
            sets.values, sets.starts, order, given, buckets, threshold, chains, compared, found, place, used
        )
        sets.give_back()
    return found


def _none(count: int) -> I32:
    return np.full(count, -1, dtype=np.int32)


@compiled
def _survivors(
    values: U64,
    starts: I64,
    order: I64,
    given: int,
    buckets: I32,
    threshold: float,
    chains: tuple[I32, I32, I32, I32],
    compared: I32,
    found: I64,
    place: int,
    used: int,
) -> tuple[int, int]:
    """Go on at a place for some LOOKS comparisons; the next place, and how many links are used by then."""
    # The kept sets of each bucket, earliest first, as a chain of links.
    heads, tails, links, owners = chains
    looks = 0
    for row in range(place, len(order)):
        if looks >= LOOKS:
            return row, used
        best = len(order)
        for bucket in buckets[row]:
            link = heads[bucket] if bucket >= 0 and row >= given else -1
            while link >= 0 and owners[link] < best:
                other = int(owners[link])
                if compared[other] != row:
                    compared[other] = row
                    looks += 1
                    if _alike(values, starts, order[row], order[other], threshold):
                        best = other
                link = links[link]
        if best < len(order):
            found[row] = best
            continue
        for bucket in buckets[row]:
            if bucket >= 0:
                owners[used] = row
                if tails[bucket] < 0:
                    heads[bucket] = used
                else:
                    links[tails[bucket]] = used
                tails[bucket] = used
                used += 1
    return len(order), used


@compiled
def _alike(values: U64, starts: I64, row: int, other: int, threshold: float) -> bool:
    """Whether the Jaccard similarity is at or above the threshold; two empty sets are alike."""
    at, end = starts[row], starts[row + 1]
    at_other, end_other = starts[other], starts[other + 1]
    both = (end - at) + (end_other - at_other)
    if both == 0:
        return True
    # The similarity is at most the ratio of the sizes.
    if min(end - at, end_other - at_other) < threshold * max(end - at, end_other - at_other):
        return False
    shared = 0
    while at < end and at_other < end_other:
        one, another = values[at], values[at_other]
        shared += one == another
        at += one <= another
        at_other += another <= one
    return shared / (both - shared) >= threshold
