"""Distances of questions: the plain definition on a few, and figures that do not depend on the order."""

from itertools import combinations, pairwise
from math import sqrt
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.evaluation.diversity import MOST, drawn, mean_distance, mean_gain
from jz3.text.words import masked, words

WORDS = st.sampled_from(["sum", "of", "two", "odd", "numbers", "3", "5", "and", "a", "prime"])
QUESTIONS = st.lists(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), max_size=12)


def parts(text):
    single = masked(words(text))
    return {*single, *pairwise(single)}


def distance(first, second):
    """The distance by the sets themselves, without hashing."""
    one, other = parts(first), parts(second)
    return 1 - len(one & other) / sqrt(len(one) * len(other))


@settings(max_examples=40)
@given(QUESTIONS)
def test_the_mean_over_pairs_is_that_of_the_definition(questions):
    found = mean_distance(questions)
    pairs = list(combinations(sorted(set(questions)), 2))
    if not pairs:
        assert found is None
    else:
        assert found == pytest.approx(fmean(distance(*pair) for pair in pairs), abs=1e-9)


@settings(max_examples=40)
@given(QUESTIONS, QUESTIONS)
def test_the_gain_is_the_mean_distance_to_the_nearest(questions, known):
    found = mean_gain(questions, known)
    if not questions or not known:
        assert found is None
    else:
        nearest = [min(distance(one, other) for other in known) for one in set(questions)]
        assert found == pytest.approx(fmean(nearest), abs=1e-9)


@settings(max_examples=40)
@given(QUESTIONS, st.randoms())
def test_order_and_repetitions_change_nothing(questions, random):
    shuffled = questions + questions[:3]
    random.shuffle(shuffled)
    assert mean_distance(shuffled) == mean_distance(questions)
    assert mean_gain(shuffled, questions[:2]) == mean_gain(questions, questions[:2])


def test_other_numbers_in_the_same_wording_are_no_difference():
    same = ["What is 3 + 4?", "What is 12 + 40?"]
    assert mean_distance(same) == 0
    assert mean_gain(same[:1], same[1:]) == 0
    assert mean_distance(["add them", "subtract these"]) == pytest.approx(1)


def test_a_larger_set_is_judged_by_a_draw_that_a_smaller_one_shares():
    texts = [f"question {number} of many" for number in range(MOST + 50)]
    few, many = set(drawn(texts[:100])), set(drawn(texts))
    assert len(many) == MOST
    assert few == set(texts[:100])
    assert len(few & many) > 80, "the first by hash stay the first"
