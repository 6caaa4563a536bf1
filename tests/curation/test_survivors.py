import tempfile

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.curation.fingerprints import Sets, gathered, jaccard
from jz3.curation.survivors import KEPT, LOOKS, survivors

ROWS = 200
"""All in one bucket and most of them kept: some 20,000 comparisons."""


def one_bucket(rows):
    return np.zeros((rows, 1), dtype=np.int32)


def plain_survivors(sets, threshold):
    found, kept = [], []
    for row in range(len(sets)):
        like = (other for other in kept if jaccard(sets[row], sets[other]) >= threshold)
        found.append(next(like, KEPT))
        if found[-1] == KEPT:
            kept.append(row)
    return found


@settings(max_examples=3)
@given(st.integers(0, 2**32 - 1))
def test_the_pauses_in_which_memory_is_given_back_change_nothing(seed):
    draws = np.random.Generator(np.random.PCG64(seed))
    texts = [np.unique(draws.integers(0, 500, 12)).astype(np.uint64) for _ in range(ROWS)]
    for row in range(9, ROWS, 10):  # one in ten is like an earlier one
        texts[row] = texts[draws.integers(row)][:-1]
    parts = [Sets(values, np.array([0, len(values)])) for values in texts]
    with tempfile.TemporaryFile() as file:
        sets = gathered(parts, file)
        found = survivors(sets, np.arange(ROWS), 0, one_bucket(ROWS), 0.7)
    kept = int((found == KEPT).sum())
    assert kept * (kept - 1) // 2 > LOOKS
    assert found.tolist() == plain_survivors(sets, 0.7)
