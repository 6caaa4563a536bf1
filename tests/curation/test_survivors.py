import tempfile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.curation.fingerprints import Sets, gathered, jaccard
from jz3.curation.survivors import KEPT, LOOKS, survivors

ROWS = 40
THRESHOLD = 0.7


def in_one_bucket(texts):
    parts = [Sets(values, np.array([0, len(values)])) for values in texts]
    with tempfile.TemporaryFile() as file:
        sets = gathered(parts, file)
        buckets = np.zeros((len(texts), 1), dtype=np.int32)
        return survivors(sets, np.arange(len(texts)), 0, buckets, THRESHOLD).tolist()


def plainly(texts):
    found, kept = [], []
    for row, text in enumerate(texts):
        like = (other for other in kept if jaccard(text, texts[other]) >= THRESHOLD)
        found.append(next(like, KEPT))
        if found[-1] == KEPT:
            kept.append(row)
    return found


def hashes(draws, count, of):
    """A sorted set of `count` hashes out of the same `of`."""
    whole = np.random.Generator(np.random.PCG64(0)).integers(0, 2**64, of, dtype=np.uint64)
    return np.unique(draws.choice(whole, count, replace=False))


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_sets_that_are_alike_are_found_whatever_their_outlines(seed, most):
    draws = np.random.Generator(np.random.PCG64(seed))
    texts = [hashes(draws, draws.integers(most + 1), of=most) for _ in range(12)]
    for row in range(1, 12, 2):  # near the threshold, on both sides of it
        kept = texts[row - 1][draws.random(len(texts[row - 1])) < 0.8]
        texts[row] = np.unique(np.concatenate([kept, draws.integers(0, 2**64, 2, dtype=np.uint64)]))
    assert in_one_bucket(texts) == plainly(texts)


def test_sets_exactly_at_the_threshold_are_alike_and_just_below_it_are_not():
    whole = hashes(np.random.Generator(np.random.PCG64(1)), 10, of=100)
    for part, found in ((whole[:7], 0), (whole[:6], KEPT)):
        assert in_one_bucket([whole, part]) == in_one_bucket([part, whole]) == [KEPT, found]
    first, other = whole[:6], np.concatenate([whole[:3], whole[6:9]])  # 3 of 9 in common
    assert in_one_bucket([first, other]) == [KEPT, KEPT]


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_the_pauses_in_which_memory_is_given_back_change_nothing(seed):
    draws = np.random.Generator(np.random.PCG64(seed))
    # Enough values that the outlines are full and each pair is compared.
    texts = [hashes(draws, 600, of=2000) for _ in range(ROWS)]
    for row in range(9, ROWS, 10):  # one in ten is like an earlier one
        texts[row] = texts[draws.integers(row)][:-1]
    found = in_one_bucket(texts)
    kept = found.count(KEPT)
    assert kept * (kept - 1) // 2 > LOOKS
    assert found == plainly(texts)
