"""The figures behind the compute line: intervals and powers follow their definitions, a choice takes the
highest scores, and what a choice is worth lies between the sizes that were tried.
"""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from benchmarks.base_transfer import top
from benchmarks.selecting.choices import best
from benchmarks.selecting.differences import Difference, Shares
from benchmarks.selection_gain import worth

points = st.floats(-20, 20).map(lambda value: round(value, 2))


@given(st.lists(points, min_size=2, max_size=6))
def test_the_interval_of_paired_differences_is_that_of_the_t_test(by_seed):
    found = Difference(by_seed)
    if found.error < 1e-6:
        return
    ends = ttest_1samp(by_seed, 0.0).confidence_interval(0.95)
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx((ends.low, ends.high))
    assert found.least > found.half


def test_two_shares_of_a_hundred_rows_differ_by_the_textbook():
    found = Shares(0.5, 100, 0.3, 100)
    assert found.difference == pytest.approx(0.2)
    assert found.error == pytest.approx((0.4 * 0.6 * 2 / 100) ** 0.5)
    assert found.power(0.0) == pytest.approx(0.025)
    assert found.power(found.half) == pytest.approx(0.5)
    assert found.power(0.2) < Shares(0.5, 400, 0.3, 400).power(0.2)


@given(st.lists(st.lists(points, min_size=2, max_size=2), min_size=1, max_size=12), st.integers(0, 12))
def test_a_choice_has_the_highest_scores_and_ties_go_by_id(scores, count):
    problems = pl.DataFrame({"problem_id": [f"p{place:02}" for place in range(len(scores))]})
    highest = np.max(np.array(scores), axis=1)
    chosen = best(problems, np.array(scores), count)["problem_id"].to_list()
    order = sorted(range(len(scores)), key=lambda place: (-highest[place], place))
    assert chosen == sorted(f"p{place:02}" for place in order[:count])
    assert [*top(highest, count)] == order[:count]


@given(st.floats(0.1, 5.0))
def test_a_choice_is_worth_what_chance_teaches_as_much_with(loss):
    by_size = {300: 2.0, 450: 1.5, 600: 1.2}
    found = worth(loss, by_size)
    assert 299.99 < found < 600.01
    for size, taught in by_size.items():
        assert worth(taught, by_size) == pytest.approx(size)
    assert worth(loss - 0.01, by_size) >= found - 1e-9
