"""LDS: 1 for scores that predict what subsets teach, 0 for chance; on a convex model and a planted case.

If it were wrong, the table of selectors in docs/influence.md would be meaningless.
"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.influence_lds import done_retrainings
from benchmarks.selecting.gradients import less_cosines
from benchmarks.selecting.retraining import measured, members, retrainings
from benchmarks.selecting.score import agreement_of_seeds, estimate, lds, predictions
from benchmarks.selecting.settings import planted
from benchmarks.selecting.texts import bm25, chance
from jz3.influence.checkpoints import Moments
from jz3.influence.directions import AdamConstants
from tests.benchmark_figures import figures_of

CANDIDATES, QUERIES, SUBSETS = 60, 5, 40


def halves(seed):
    generator = np.random.Generator(np.random.Philox(seed))
    order = generator.permuted(np.tile(np.arange(CANDIDATES), (SUBSETS, 1)), axis=1)
    return order < CANDIDATES // 2


@given(seed=st.integers(0, 2**32), scale=st.floats(0.01, 100), shift=st.floats(-100, 100))
@settings(max_examples=25, deadline=None)
def test_what_subsets_teach_by_the_sum_of_the_scores_has_lds_one_on_any_rising_scale(seed, scale, shift):
    scores = chance(CANDIDATES, QUERIES, seed)
    predicted = predictions(halves(seed), scores)
    assert lds(predicted, np.arctan(predicted * 1e-3) * scale + shift) == pytest.approx(1)
    assert lds(predicted, -predicted) == pytest.approx(-1)
    assert not lds(np.zeros_like(predicted), predicted).any()


def test_influence_on_least_squares_foretells_retraining_and_chance_does_not():
    generator = np.random.Generator(np.random.Philox(0))
    weights = generator.standard_normal(8)
    inputs, asked = generator.standard_normal((CANDIDATES, 8)), generator.standard_normal((QUERIES, 8))
    answers = inputs @ weights + 0.5 * generator.standard_normal(CANDIDATES)

    def trained(rows):
        kept = inputs[rows]
        return np.linalg.solve(kept.T @ kept + np.eye(8), kept.T @ answers[rows])

    member = halves(1)
    whole = trained(np.ones(CANDIDATES, dtype=bool))
    inverse = np.linalg.inv(inputs.T @ inputs + np.eye(8))
    # Influence of a row on a query's output (Koh and Liang 2017): -x_q H^-1 times the gradient of its loss.
    influences = ((inputs * (answers - inputs @ whole)[:, None]) @ inverse) @ asked.T
    learnt = np.array([asked @ trained(rows) for rows in member])
    value = estimate(predictions(member, influences), learnt)
    by_chance = [predictions(member, chance(CANDIDATES, QUERIES, seed)) for seed in range(20)]
    assert value.interval().low > 0.8
    assert np.mean([lds(predicted, learnt) for predicted in by_chance]) == pytest.approx(0, abs=0.1)
    assert value.lead_over(estimate(by_chance[0], learnt)).low > 0.5


def test_seeds_that_measure_the_same_agree_and_noise_does_not():
    same = np.tile(chance(SUBSETS, QUERIES, 0), (3, 1, 1))
    noise = np.stack([chance(SUBSETS, QUERIES, seed) for seed in range(3)])
    assert agreement_of_seeds(same) == pytest.approx(1)
    assert agreement_of_seeds(noise) == pytest.approx(0, abs=0.2)
    with pytest.raises(ValueError, match="at least two"):
        agreement_of_seeds(same[:1])


def test_bm25_prefers_the_rare_term_the_shorter_text_and_no_order_of_words():
    texts = ["the sum of numbers", "the sum of the divisors", "the of the of", "numbers of sum the"]
    scores = bm25(texts, ["divisors", "sum"])
    assert scores[:, 0].argmax() == 1
    assert (scores[[0, 2, 3], 0] == 0).all()
    assert scores[0, 1] == scores[3, 1] > scores[1, 1] > 0 == scores[2, 1]
    assert scores[1, 0] > scores[1, 1], "divisors stand in one text, sum in three"


def test_projected_cosines_of_less_are_those_of_adam_directions_within_the_error_of_a_projection():
    torch.manual_seed(0)
    rows, targets, moment = torch.randn(6, 700), torch.randn(4, 700), torch.randn(700)
    key = ("layer", "A")
    moments = Moments(0.1 * moment, 0.1 * moment.square())
    reference = type("Reference", (), {"moments": {key: moments}})  # only this is read from a reference
    constants = AdamConstants(0.9, 0.999, 1e-8)
    first = 0.9 * moments.first_D + 0.1 * rows
    directions = first / (0.999 * moments.second_D + 0.001 * rows.square() + 1e-8).sqrt()
    exact = torch.nn.functional.cosine_similarity(directions[:, None], targets[None], dim=2)
    found = less_cosines(reference, constants, {key: rows}, {key: targets})
    assert np.abs(found - exact.double().numpy()).max() < 4 / 8192**0.5


@pytest.mark.long
def test_value_foretells_what_planted_halves_teach_and_kept_models_are_not_trained_again(
    tmp_path, monkeypatch
):
    work, again = tmp_path / "work", tmp_path / "again"
    figures = figures_of("influence_lds", tmp_path / "store", "--work", work)
    assert figures["lds_value_low"] > 0.25
    assert figures["lds_random"] == pytest.approx(0, abs=0.15)
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    torch.set_num_threads(1)  # as the benchmark did
    setting = planted(work)
    assert set(members(setting).sum(axis=1)) == {setting.problems.height // 2}
    written = {one.kept: one.kept.stat().st_mtime_ns for one in retrainings(setting, work)}
    assert len(done_retrainings(setting, work, most=None)) == setting.subsets == figures["retrainings"]
    assert {kept: kept.stat().st_mtime_ns for kept in written} == written
    assert done_retrainings(setting, again, most=1) == [], "one model is no seed"
    one, other = next(retrainings(setting, work)), next(retrainings(setting, again))
    assert one.kept.name == other.kept.name
    assert (measured([one], 1)[0] == measured([other], 1)[0]).all()
