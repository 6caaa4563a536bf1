"""Quotas by fail rate: worked targets, and laws over solvers whose draws are decided beforehand."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from jz3.tables.attempt import Attempt
from jz3.tables.pass_rate import PassRate
from jz3.tables.quota import Quota
from jz3.teacher.quotas import (
    NOT_DRAWN,
    Balance,
    Prop2Diff,
    Uniform,
    beyond_quota,
    counted,
    first_draws,
    next_draws,
    out_of_draws,
    quotas,
)


def uniform(rows, most_draws=2_048):
    return Uniform(form="uniform", rows=rows, most_draws=most_draws)


def prop2diff(rows, measured=8, most_draws=2_048):
    return Prop2Diff(form="prop2diff", rows=rows, measured=measured, most_draws=most_draws)


def rates(counts):
    """Pass rates from draws and right ones by problem; None for a problem without an answer."""
    lines = [
        {
            "problem_id": name,
            "solver": "it",
            "draws": draws,
            "right": right,
            "rate": right / draws if draws and right is not None else None,
            "voted": None,
            "votes": 0,
            "share": None,
            "voted_right": None,
        }
        for name, (draws, right) in counts.items()
    ]
    return PassRate.validate(pl.DataFrame(lines, schema=PassRate.create_empty().schema))


def targets(counts, balance):
    return dict(quotas(rates(counts), balance).select("problem_id", "target").iter_rows())


def test_targets_of_the_paper_s_largest_quota():
    """192 of the hardest; fail rates 0, 0.004, 0.01, 0.1, 0.5, 0.9 and 1, worked by hand."""
    fails = {0: 1, 4: 1, 10: 2, 100: 20, 500: 96, 900: 173, 1000: 192}
    found = targets({str(failed): (1_000, 1_000 - failed) for failed in fails}, prop2diff(192))
    assert found == {str(failed): target for failed, target in fails.items()}


def test_the_hardest_has_the_largest_quota_where_none_fails_always():
    """0.4 is the highest rate: three quarters of it are 9 of 12, and in floating point 10."""
    assert targets({"a": (10, 6), "b": (10, 7), "c": (10, 10)}, prop2diff(12)) == {"a": 12, "b": 9, "c": 1}
    assert targets({"a": (4, 4), "b": (8, 8)}, prop2diff(192)) == {"a": 1, "b": 1}


def test_uniform_wants_as_many_of_each():
    assert targets({"a": (10, 0), "b": (10, 10)}, uniform(40)) == {"a": 40, "b": 40}


@pytest.mark.parametrize("balance", [uniform(4), prop2diff(4)])
def test_what_no_draw_can_answer_is_not_drawn(balance):
    counts = {"refused": (0, 0), "no answer": (8, None), "hard": (8, 0)}
    assert targets(counts, balance) == {"refused": 0, "no answer": 0, "hard": 4}
    drawn = {name for name, _ in next_draws(quotas(rates(counts), balance), balance)}
    assert drawn == {"hard"}


def test_measuring_beyond_the_cap_and_unknown_forms_are_refused():
    with pytest.raises(ValidationError, match="measured 9 is above most_draws 8"):
        prop2diff(4, 9, 8)
    with pytest.raises(ValidationError):
        TypeAdapter(Balance).validate_python({"form": "linear", "rows": 1, "most_draws": 1})


OUTCOMES = st.dictionaries(
    st.sampled_from("abcdef"), st.lists(st.booleans(), min_size=24, max_size=24), min_size=1
)
"""Whether each draw of each problem is right."""
BALANCES = st.builds(uniform, st.integers(1, 9), st.integers(1, 24)) | st.builds(
    prop2diff, st.integers(1, 9), st.integers(1, 6), st.integers(6, 24)
)


def first_quotas(outcomes, balance):
    measured = first_draws(balance)
    return quotas(rates({name: (measured, sum(own[:measured])) for name, own in outcomes.items()}), balance)


def run(outcomes, balance):
    """All draws that the rounds ask for, and the quotas at their end."""
    asked = [(name, number) for name in sorted(outcomes) for number in range(first_draws(balance))]
    wanted = first_quotas(outcomes, balance)
    while more := next_draws(wanted, balance):
        wanted = counted(wanted, {(name, number): outcomes[name][number] for name, number in more})
        asked += more
    return asked, wanted


def kept(outcomes, balance):
    """The right answers that the quotas leave, by problem and draw."""
    asked, wanted = run(outcomes, balance)
    lines = [
        {
            "problem_id": name,
            "draw": number,
            "solver": "it",
            "text": "t",
            "reasoning": "",
            "finish_reason": "stop",
            "answer": None,
            "right": outcomes[name][number],
            "same_as": None,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "reasoning_tokens": 0,
        }
        for name, number in asked
    ]
    attempts = Attempt.validate(pl.DataFrame(lines, schema=Attempt.create_empty().schema))
    beyond = beyond_quota(attempts, wanted)
    assert set(beyond["rule"]) <= {NOT_DRAWN}
    return {(name, number) for name, number in asked if outcomes[name][number]} - set(
        beyond.select("problem_id", "draw").iter_rows()
    )


@settings(max_examples=80, deadline=None)
@given(outcomes=OUTCOMES, balance=BALANCES)
def test_each_problem_keeps_its_first_right_answers_as_many_as_wanted_and_no_more(outcomes, balance):
    asked, wanted = run(outcomes, balance)
    found = kept(outcomes, balance)
    assert len(set(asked)) == len(asked), "no draw is asked for twice"
    targets_of = dict(wanted.select("problem_id", "target").iter_rows())
    for name, own in outcomes.items():
        numbers = sorted(number for other, number in asked if other == name)
        assert numbers == list(range(len(numbers)))
        assert len(numbers) <= balance.most_draws
        right = [number for number in range(balance.most_draws) if own[number]]
        assert {number for other, number in found if other == name} == set(right[: targets_of[name]])
        if len(right) >= targets_of[name] and len(numbers) > first_draws(balance):
            assert numbers[-1] == right[targets_of[name] - 1], "the draw that fills a quota is the last"
    lacking = {name for name, own in outcomes.items() if sum(own[: balance.most_draws]) < targets_of[name]}
    assert set(out_of_draws(wanted, balance)) == lacking


@settings(max_examples=80, deadline=None)
@given(outcomes=OUTCOMES, balance=BALANCES)
def test_rounds_ask_for_the_draws_that_one_draw_a_round_would(outcomes, balance):
    """As the released code draws: one pass over all that are not finished, then the next."""
    wanted = first_quotas(outcomes, balance)
    one_by_one = {(name, number) for name in outcomes for number in range(first_draws(balance))}
    while open_ := [
        row
        for row in wanted.iter_rows(named=True)
        if row["right"] < row["target"] and row["draws"] < balance.most_draws
    ]:
        drawn = {(row["problem_id"], row["draws"]) for row in open_}
        wanted = counted(wanted, {(name, number): outcomes[name][number] for name, number in drawn})
        one_by_one |= drawn
    assert set(run(outcomes, balance)[0]) == one_by_one


@settings(max_examples=60, deadline=None)
@given(outcomes=OUTCOMES, balance=BALANCES, more=st.integers(0, 5))
def test_more_rows_keep_what_fewer_keep(outcomes, balance, more):
    larger = balance.model_copy(update={"rows": balance.rows + more})
    assert kept(outcomes, balance) <= kept(outcomes, larger)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.dictionaries(
        st.text("abc", min_size=1, max_size=3),
        st.integers(1, 60).flatmap(lambda draws: st.tuples(st.just(draws), st.integers(0, draws))),
        min_size=1,
    ),
    rows=st.integers(1, 200),
)
def test_targets_grow_with_the_fail_rate_between_one_and_all_rows(counts, rows):
    found = targets(counts, prop2diff(rows))
    by_rate = sorted(counts, key=lambda name: 1 - counts[name][1] / counts[name][0])
    assert [found[name] for name in by_rate] == sorted(found.values())
    assert 1 <= min(found.values()) <= max(found.values()) <= rows
    if any(right < draws for draws, right in counts.values()):
        assert max(found.values()) == rows
    assert Quota.validate(quotas(rates(counts), prop2diff(rows))).height == len(counts)
