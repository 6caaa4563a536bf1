"""Judged draws and their counts: laws over any draws, and answers in several styles."""

from collections import Counter

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.answers.symbolic import default_symbolic
from jz3.answers.votes import Groups, winner
from jz3.teacher.pass_rates import Drawn, Judge, pass_rates
from jz3.teacher.solve import attempts_of

GOLDS = {"a": "3", "b": "1/2", "c": None, "d": "x+1"}
TEXTS = (
    "It is \\boxed{3}.",
    "\\boxed{3.0}",
    "\\boxed{\\frac12}",
    "\\boxed{0.5}",
    "\\boxed{1+x}",
    "\\boxed{4}",
    "<think>\\boxed{3}</think>None.",
    "It is 3.",
    "",
)


def drawn(problem_id, draw, text):
    return Drawn(problem_id, draw, text, "", "stop", 5, 3, 0)


def counted(draws, golds=GOLDS):
    attempts = attempts_of(Judge(golds, "it", default_symbolic()).judged(draws))
    return attempts, pass_rates(attempts, golds, "it")


some_draws = st.dictionaries(
    st.tuples(st.sampled_from(sorted(GOLDS)), st.integers(0, 9)), st.sampled_from(TEXTS), max_size=24
).map(lambda texts: [drawn(problem, draw, text) for (problem, draw), text in texts.items()])


@settings(max_examples=25, deadline=None)
@given(draws=some_draws, data=st.data())
def test_counts_are_of_the_draws_and_their_order_changes_nothing(draws, data):
    attempts, rates = counted(draws)
    again = counted(data.draw(st.permutations(draws)))
    assert again[0].equals(attempts)
    assert again[1].equals(rates)
    assert set(rates["problem_id"]) == set(GOLDS)
    assert rates["draws"].sum() == len(draws) == attempts.height
    for line in rates.iter_rows(named=True):
        own = attempts.filter(pl.col("problem_id") == line["problem_id"])
        assert line["draws"] == own.height
        if GOLDS[line["problem_id"]] is None:
            assert line["right"] is line["rate"] is line["voted_right"] is None
            assert own["right"].null_count() == own.height
        else:
            assert line["right"] == own["right"].sum() <= line["draws"]
            assert (line["rate"] is None) == (line["draws"] == 0)
            assert line["voted_right"] or line["right"] <= line["votes"] or line["right"] == 0
        votes = Counter(own["same_as"].drop_nulls())
        assert line["votes"] == max(votes.values(), default=0)
        assert (line["voted"] is None) == (not votes)


@settings(max_examples=25, deadline=None)
@given(draws=some_draws)
def test_more_draws_keep_what_was_judged(draws):
    few, more = ([one for one in draws if (one.draw < 5) is early] for early in (True, False))
    attempts, _ = counted(draws)
    assert attempts.filter(pl.col("draw") < 5).equals(counted(few)[0])
    judge = Judge(GOLDS, "it", default_symbolic())
    in_two = attempts_of(judge.judged(few) + judge.judged(more))
    assert in_two.sort("problem_id", "draw").equals(attempts), "as they come, or all at once"


@given(st.lists(st.none() | st.integers(0, 5).map(str)))
def test_equal_answers_have_the_place_of_the_first(answers):
    groups = Groups(lambda first, other: first == other)
    places = [groups.add(place, answer) for place, answer in enumerate(answers)]
    assert places == [None if answer is None else answers.index(answer) for answer in answers]
    chosen = winner(places)
    counts = Counter(answer for answer in answers if answer is not None)
    assert (chosen is None) == (not counts)
    if chosen is not None:
        assert chosen[1] == max(counts.values()) == counts[answers[chosen[0]]]
        assert all(counts[answer] < chosen[1] for answer in answers[: chosen[0]] if answer is not None)


@pytest.mark.parametrize(
    ("problem", "text", "right"),
    [
        ("a", TEXTS[0], True),
        ("a", TEXTS[1], True),
        ("a", TEXTS[5], False),
        ("a", TEXTS[6], False),
        ("a", TEXTS[7], False),
        ("b", TEXTS[2], True),
        ("b", TEXTS[3], True),
        ("d", TEXTS[4], True),
        ("c", TEXTS[0], None),
    ],
)
def test_the_grader_of_the_benchmarks_judges(problem, text, right):
    attempts, _ = counted([drawn(problem, 0, text)])
    assert attempts["right"].to_list() == [right]


def test_the_earliest_of_equally_many_answers_wins_as_it_was_written():
    texts = ["\\boxed{4}", "\\boxed{3.0}", "\\boxed{3}", "\\boxed{4.00}"]
    _, rates = counted([drawn("a", place, text) for place, text in enumerate(texts)])
    line = rates.filter(pl.col("problem_id") == "a").row(0, named=True)
    assert (line["voted"], line["votes"], line["share"], line["voted_right"]) == ("4", 2, 0.5, False)
    assert line["rate"] == 0.5
