"""Schedules are exact functions; the values of the paper's schedule are those of its released code."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jz3.lm.schedule import WarmupCosine, WarmupStableDecay

PAPER = WarmupStableDecay(warm_up=0.03, stable=0.85, floor=0.1)


@pytest.mark.parametrize(
    ("step", "factor"),
    [
        (0, 0.0),
        (15, 0.5),
        (30, 1.0),
        (849, 1.0),
        (850, 1.0),
        (900, 0.667),
        (950, 0.333),
        (985, 0.1),
        (999, 0.1),
    ],
)
def test_the_papers_schedule_has_the_values_of_its_code(step, factor):
    assert PAPER(step, 1000) == pytest.approx(factor, abs=5e-4)


def test_the_decay_begins_behind_its_stated_step():
    assert PAPER.decay_step(1000) == 850
    assert PAPER(PAPER.decay_step(1000), 1000) == pytest.approx(1.0)
    assert PAPER(PAPER.decay_step(1000) + 1, 1000) < 1.0


@given(st.integers(1, 5000))
def test_a_schedule_rises_then_stays_then_falls_to_the_floor(steps):
    factors = [PAPER(step, steps) for step in range(steps)]
    peak = PAPER.decay_step(steps)
    assert all(one <= next_one for one, next_one in pairwise(factors[:peak]))
    assert all(one >= next_one for one, next_one in pairwise(factors[peak:]))
    assert all(0.1 <= factor <= 1.0 for factor in factors[peak:])


def test_a_cosine_starts_at_the_peak_and_ends_at_nothing():
    plain = WarmupCosine(warm_up=0.0)
    assert [plain(step, 100) for step in (0, 50, 100)] == pytest.approx([1.0, 0.5, 0.0])


def test_a_cosine_may_rise_first():
    warm = WarmupCosine(warm_up=0.2)
    assert [warm(step, 100) for step in (0, 10, 20, 60, 100)] == pytest.approx([0.0, 0.5, 1.0, 0.5, 0.0])


def test_a_warm_up_beyond_the_stable_part_is_refused():
    with pytest.raises(ValidationError, match="reaches beyond stable"):
        WarmupStableDecay(warm_up=0.5, stable=0.4, floor=0.1)
