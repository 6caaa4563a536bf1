"""Which of many sets are kept if only the first of similar ones may be.

The rule: sets are taken in order; one is dropped if and only if an earlier kept set shares a bucket with it
and has a Jaccard similarity at or above the threshold. So no chain of similar sets drops one that is unlike
all kept ones. Costs: one comparison of outlines, some 30 ns, for each pair of a set and an earlier kept one
that share a bucket, and a full comparison if the outlines do not decide (one pair in 200 of generated
questions); 4 bytes per set and band, 4 per shared bucket of a set, 36 for its outline.
"""

import numpy as np

from jz3.core.compiled import compiled
from jz3.curation.fingerprints import I64, U64, Sets
from jz3.curation.minhash import I32

KEPT = -1


LOOKS = 200
"""Comparisons before the pages of the sets' file are released. Linux may map 2 MB around each set that is
read, and each comparison reads two: 0.8 GB at most.
"""
PIECE = 100_000
"""Sets that are read in a row before the pages are released: some 80 MB."""
WORDS = 4
"""64-bit words of an outline (chosen: a question has some 100 windows, which fill a third of 256 bits)."""


def survivors(sets: Sets, order: I64, given: int, buckets: I32, threshold: float) -> I64:
    """For each position in `order`, the first kept position whose set is similar, or KEPT.

    - `order`: the number of the set at each position.
    - `given`: how many of the first positions are kept in any case.
    - `buckets`: [positions, bands].
    - `threshold`: the lowest Jaccard similarity of two similar sets.
    """
    members = np.bincount(buckets[buckets >= 0], minlength=1)
    firsts = np.cumsum(members) - members
    kept = (firsts, firsts.copy(), np.empty(members.sum(), dtype=np.int32))
    outlines = (np.diff(sets.starts)[order].astype(np.int32), _outlines(sets)[order])
    compared, found = np.full(len(order), -1, dtype=np.int32), np.full(len(order), KEPT, dtype=np.int64)
    place = 0
    while place < len(order):
        place = _survivors(
            sets.values, sets.starts, order, given, buckets, threshold, outlines, kept, compared, found, place
        )
        sets.give_back()
    return found


def _outlines(sets: Sets) -> U64:
    """[sets, WORDS]: each value of a set sets one bit, which several values may share."""
    outlines = np.zeros((len(sets), WORDS), dtype=np.uint64)
    for start in range(0, len(sets), PIECE):
        _draw(sets.values, sets.starts, start, min(start + PIECE, len(sets)), outlines)
        sets.give_back()
    return outlines


@compiled
def _draw(values: U64, starts: I64, start: int, end: int, outlines: U64) -> None:
    bits = np.uint64(64)
    for number in range(start, end):
        for at in range(starts[number], starts[number + 1]):
            bit = (values[at] >> np.uint64(32)) % (bits * np.uint64(WORDS))
            outlines[number, bit // bits] |= np.uint64(1) << (bit % bits)


@compiled
def _survivors(
    values: U64,
    starts: I64,
    order: I64,
    given: int,
    buckets: I32,
    threshold: float,
    outlines: tuple[I32, U64],
    kept: tuple[I64, I64, I32],
    compared: I32,
    found: I64,
    place: int,
) -> int:
    """Continue at `place` for some LOOKS comparisons; return the next place."""
    # The kept places of bucket b, ascending: members[firsts[b]:ends[b]].
    firsts, ends, members = kept
    looks = 0
    for row in range(place, len(order)):
        if looks >= LOOKS:
            return row
        best = len(order)
        for bucket in buckets[row]:
            if bucket < 0 or row < given:
                continue
            for at in range(firsts[bucket], ends[bucket]):
                other = int(members[at])
                if other >= best:
                    break
                if not _may_be_alike(*outlines, row, other, threshold) or compared[other] == row:
                    continue
                compared[other] = row
                looks += 1
                if _alike(values, starts, order[row], order[other], threshold):
                    best = other
        if best < len(order):
            found[row] = best
            continue
        for bucket in buckets[row]:
            if bucket >= 0:
                members[ends[bucket]] = row
                ends[bucket] += 1
    return len(order)


@compiled
def _may_be_alike(sizes: I32, outlines: U64, row: int, other: int, threshold: float) -> bool:
    """False only if the Jaccard similarity is below the threshold: a bit of only one set means that this set
    has at least one value that the other lacks.
    """
    size, other_size = int(sizes[row]), int(sizes[other])
    if min(size, other_size) < threshold * max(size, other_size):
        return False
    only, only_other = 0, 0
    for word in range(WORDS):
        one, another = outlines[row, word], outlines[other, word]
        only += _ones(one & ~another)
        only_other += _ones(another & ~one)
    shared = min(size - only, other_size - only_other)
    union = size + other_size - shared
    return union == 0 or shared / union >= threshold


@compiled
def _ones(word: np.uint64) -> int:
    """The number of bits that are set (compiled into one instruction)."""
    word -= (word >> np.uint64(1)) & np.uint64(0x5555555555555555)
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compiled
def _alike(values: U64, starts: I64, row: int, other: int, threshold: float) -> bool:
    """Whether the Jaccard similarity is at or above the threshold; two empty sets are similar."""
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
