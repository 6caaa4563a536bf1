"""Quotas by fail rate: worked targets, and laws over solvers whose draws are fixed beforehand."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from jz3.tables.attempt import Attempt
from jz3.tables.pass_rate import PassRate
from jz3.teacher.quotas import QuotaParams, after_round, next_draws, quotas, verdicts


def uniform(rows):
    return QuotaParams(form="uniform", rows=rows)


def prop2diff(rows):
    return QuotaParams(form="prop2diff", rows=rows)


def rates(counts):
    """Pass rates from the draws and right ones of each problem; None for a problem without an answer."""
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
    """192 for the hardest; fail rates 0, 0.004, 0.01, 0.1, 0.5, 0.9 and 1, worked by hand."""
    fails = {0: 1, 4: 1, 10: 2, 100: 20, 500: 96, 900: 173, 1000: 192}
    found = targets({str(failed): (1_000, 1_000 - failed) for failed in fails}, prop2diff(192))
    assert found == {str(failed): target for failed, target in fails.items()}


def test_the_hardest_has_the_largest_quota_where_none_fails_always():
    """0.4 is the highest rate: three quarters of it are 9 of 12, but 10 in floating point."""
    assert targets({"a": (10, 6), "b": (10, 7), "c": (10, 10)}, prop2diff(12)) == {"a": 12, "b": 9, "c": 1}
    assert targets({"a": (4, 4), "b": (8, 8)}, prop2diff(192)) == {"a": 1, "b": 1}


def test_uniform_wants_as_many_of_each():
    assert targets({"a": (10, 0), "b": (10, 10)}, uniform(40)) == {"a": 40, "b": 40}


@pytest.mark.parametrize("balance", [uniform(4), prop2diff(4)])
def test_what_no_draw_can_answer_is_not_drawn(balance):
    counts = {"refused": (0, 0), "no answer": (8, None), "hard": (8, 0)}
    assert targets(counts, balance) == {"refused": 0, "no answer": 0, "hard": 4}
    drawn = {name for name, _ in next_draws(quotas(rates(counts), balance), 2_048)}
    assert drawn == {"hard"}


def test_unknown_forms_and_no_rows_are_refused():
    for wrong in ({"form": "linear", "rows": 1}, {"form": "uniform", "rows": 0}):
        with pytest.raises(ValidationError):
            QuotaParams.model_validate(wrong)


RIGHT, AGAIN, WRONG = "right", "again", "wrong"
OUTCOMES = st.dictionaries(
    st.sampled_from("abcdef"),
    st.lists(st.sampled_from((RIGHT, RIGHT, AGAIN, WRONG)), min_size=24, max_size=24),
    min_size=1,
)
"""The outcome of each draw of each problem: right, right with the same words as other such draws, or
wrong.
"""
QUOTAS = st.builds(uniform, st.integers(1, 9)) | st.builds(prop2diff, st.integers(1, 9))
FIRST, MOST = st.integers(1, 6), st.integers(6, 24)


def usable(own):
    """Numbers of the draws that may be kept."""
    again = own.index(AGAIN) if AGAIN in own else None
    return [number for number, outcome in enumerate(own) if outcome == RIGHT or number == again]


def begun(outcomes, params, first):
    """Quotas after the first draws."""
    counts = {name: (first, sum(one != WRONG for one in own[:first])) for name, own in outcomes.items()}
    wanted = quotas(rates(counts), params)
    return after_round(
        wanted,
        dict.fromkeys(outcomes, first),
        {name: len(usable(own[:first])) for name, own in outcomes.items()},
    )


def drawn(outcomes, params, first, most, one_by_one=False):
    """How many draws of each problem the rounds ask for."""
    wanted = begun(outcomes, params, first)
    numbers = {name: list(range(first)) for name in outcomes}
    while more := next_draws(wanted, most):
        # The first draw of each problem, as later entries of a mapping count.
        taken = list({name: (name, number) for name, number in more[::-1]}.values()) if one_by_one else more
        counts = {name: sum(other == name for other, _ in taken) for name, _ in taken}
        found = {
            name: len(usable(own[: len(numbers[name]) + counts.get(name, 0)]))
            - len(usable(own[: len(numbers[name])]))
            for name, own in outcomes.items()
        }
        for name, number in taken:
            assert number not in numbers[name], "no draw is asked for twice"
            numbers[name].append(number)
        wanted = after_round(wanted, counts, found)
    return {name: sorted(own) for name, own in numbers.items()}, wanted


def kept(outcomes, params, first, most):
    """Draws that the verdicts keep, by problem; every attempt has one."""
    numbers, wanted = drawn(outcomes, params, first, most)
    texts = {RIGHT: "Try {}: \\boxed{{1}}", AGAIN: "It is \\boxed{{1}}", WRONG: "It is \\boxed{{2}}"}
    lines = [
        {
            "problem_id": name,
            "draw": number,
            "solver": "it",
            "text": texts[outcomes[name][number]].format(number),
            "reasoning": "",
            "finish_reason": "stop",
            "answer": None,
            "right": outcomes[name][number] != WRONG,
            "same_as": None,
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "reasoning_tokens": 0,
        }
        for name, own in numbers.items()
        for number in own
    ]
    found = verdicts(
        Attempt.validate(
            pl.DataFrame(lines, schema=Attempt.create_empty().schema).sample(
                fraction=1.0, seed=1, shuffle=True
            )
        ),
        wanted,
    )
    assert found.height == len(lines)
    assert set(found["rule"].drop_nulls()) <= {"answer_differs", "repeated", "not_drawn"}
    return {
        name: found.filter(pl.col("rule").is_null(), pl.col("problem_id") == name)["draw"].to_list()
        for name in outcomes
    }


@settings(max_examples=25, deadline=None)
@given(outcomes=OUTCOMES, params=QUOTAS, first=FIRST, most=MOST)
def test_each_problem_keeps_its_first_right_solutions_as_many_as_wanted_and_no_more(
    outcomes, params, first, most
):
    numbers, wanted = drawn(outcomes, params, first, most)
    targets_of = dict(wanted.select("problem_id", "target").iter_rows())
    found = kept(outcomes, params, first, most)
    for name, own in outcomes.items():
        may_be_kept = usable(own[:most])
        assert numbers[name] == list(range(len(numbers[name])))
        assert first <= len(numbers[name]) <= most
        assert found[name] == may_be_kept[: targets_of[name]]
        if len(may_be_kept) < targets_of[name]:
            assert len(numbers[name]) == most, "out of draws"
        elif len(numbers[name]) > first:
            last = numbers[name][-1]
            assert last == may_be_kept[targets_of[name] - 1], "the draw that fills a quota is the last"


@settings(max_examples=25, deadline=None)
@given(outcomes=OUTCOMES, params=QUOTAS, first=FIRST, most=MOST)
def test_rounds_ask_for_the_draws_that_one_draw_a_round_would(outcomes, params, first, most):
    """As the released code draws: one pass over all that are not finished, then the next pass."""
    assert drawn(outcomes, params, first, most)[0] == drawn(outcomes, params, first, most, one_by_one=True)[0]


@settings(max_examples=25, deadline=None)
@given(outcomes=OUTCOMES, params=QUOTAS, first=FIRST, most=MOST, more=st.integers(0, 5))
def test_more_rows_keep_what_fewer_keep(outcomes, params, first, most, more):
    few = kept(outcomes, params, first, most)
    many = kept(outcomes, params.model_copy(update={"rows": params.rows + more}), first, most)
    for name, own in few.items():
        assert many[name][: len(own)] == own


@pytest.mark.parametrize(
    ("text", "reason", "rule"),
    [
        ("So \\boxed{1}.", "stop", None),
        ("So \\boxed{1}.", "length", "truncated"),
        ("So \\boxed{1}.", "content_filter", "not_finished"),
        ("<think>\\boxed{1}</think>So it is 1.", "stop", "no_answer"),
    ],
)
def test_what_is_no_solution_is_not_kept_though_it_is_right(text, reason, rule):
    line = {
        "problem_id": "a",
        "draw": 0,
        "solver": "it",
        "text": text,
        "reasoning": "",
        "finish_reason": reason,
        "answer": "1",
        "right": True,
        "same_as": 0,
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "reasoning_tokens": 0,
    }
    attempts = Attempt.validate(pl.DataFrame([line], schema=Attempt.create_empty().schema))
    found = verdicts(attempts, quotas(rates({"a": (1, 1)}), uniform(1)))
    assert found["rule"].to_list() == [rule]


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
