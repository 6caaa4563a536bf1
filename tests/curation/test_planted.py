"""Planted truth through the stages: duplicates and leaked items are found, and every dropped row resembles a
kept one.
"""

from tests.curation.curated import curate, drops, plant, recalls
from tests.curation.planted import Planted
from tests.curation.rows import needs_benchmarks, needs_samples

pytestmark = [needs_samples, needs_benchmarks]


ROWS = 6_000
"""`benchmarks/curation.py` does the same for 300,000."""


def test_the_stages_find_what_was_planted_and_drop_nothing_unlike(tmp_path):
    truth = plant(ROWS, tmp_path)
    assert [stage for stage, _ in curate(tmp_path)] == ["parse", "dedup", "decontaminate", "mix"]
    found = recalls(tmp_path, truth)
    assert found["exact"] == 1.0
    assert found["near"] >= 0.97
    assert found["verbatim"] == 1.0
    assert found["respelt"] >= 0.995
    assert found["edited"] >= 0.99
    near = drops(tmp_path)
    assert near.height >= ROWS // 500
    assert near["jaccard"].min() >= 0.7
    assert near["names_kept"].all()


def test_the_truth_has_pairs_on_both_sides_of_the_threshold_and_is_the_same_each_time():
    truth = Planted(3_000).truth()
    near = truth.filter(role="near")["jaccard"]
    assert 0.3 < (near >= 0.7).mean() < 0.8
    assert near.max() > 0.9
    assert near.min() < 0.6
    assert Planted(3_000).truth().equals(truth)
    frames = [next(Planted(3_000).completions()) for _ in range(2)]
    assert frames[0].equals(frames[1])
