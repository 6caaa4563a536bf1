"""Self-consistency reads what a solver answered: problems with a wrong answer are rejected, those not asked
stay.
"""

import logging

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from jz3.core.artifacts import In, Out
from jz3.core.errors import UserError
from jz3.curation.consistency import SelfConsistency, inconsistent_rows, judge
from jz3.curation.filter import judge_samples
from jz3.tables.pass_rate import PassRate
from tests.curation.rows import problem, problems, verdicts
from tests.curation.test_filter import PARAMS

ASKED = SelfConsistency(draws=8, least_agreeing=4)


def rate(row_id, right, draws=8, voted="9", votes=3):
    known = right is not None
    return {
        "problem_id": row_id,
        "solver": "it",
        "draws": draws,
        "right": right,
        "rate": right / draws if known and draws else None,
        "voted": voted if draws else None,
        "votes": votes if draws else 0,
        "share": votes / draws if draws else None,
        "voted_right": False if known else None,
    }


def rates(*rows):
    return PassRate.validate(pl.DataFrame(list(rows), schema=PassRate.create_empty().schema))


def check(rows, *found, params=ASKED):
    return inconsistent_rows(rows.lazy(), rates(*found), params).sort("row_id")


def test_a_wrong_answer_is_found_and_right_ones_and_those_not_asked_are_kept():
    rows = problems(problem("right"), problem("wrong"), problem("unasked"), problem("unknown", answer=None))
    found = check(rows, rate("right", 4), rate("wrong", 3), rate("unknown", None), rate("elsewhere", 0))
    assert found["row_id"].to_list() == ["wrong"]
    assert found["rule"].to_list() == ["filter.inconsistent"]
    assert found["evidence"].to_list() == ["3 of 8 say '4'; 3 say '9'"]


def test_draws_that_did_not_come_do_not_condemn():
    rows = problems(problem("few"), problem("none"), problem("enough"))
    found = check(rows, rate("few", 1, draws=5), rate("none", 0, draws=0), rate("enough", 0, draws=5))
    assert dict(found.select("row_id", "rule").iter_rows()) == {
        "enough": "filter.inconsistent",
        "few": "filter.unchecked",
        "none": "filter.unchecked",
    }
    assert "none has a box" in found.filter(pl.col("row_id") == "none")["evidence"][0]


@given(st.data())
def test_a_row_is_kept_if_and_only_if_enough_draws_are_right(data):
    draws = data.draw(st.integers(1, 12))
    least, came = data.draw(st.integers(1, draws)), data.draw(st.integers(0, draws))
    right = data.draw(st.integers(0, came))
    row = rate("p", right, came) | {"answer": "4"}
    finding = judge(row, SelfConsistency(draws=draws, least_agreeing=least))
    assert (finding is None) == (right >= least)
    if finding is not None:
        possible = right + (draws - came) >= least
        assert finding[0] == ("filter.unchecked" if possible else "filter.inconsistent")


def test_rates_of_more_draws_or_of_other_problems_are_refused():
    rows = problems(problem("p"))
    with pytest.raises(UserError, match="draws is 8, and the solver 'it' drew 9"):
        check(rows, rate("p", 1, draws=9))
    with pytest.raises(UserError, match="'it' has answered none of the problems"):
        check(rows, rate("q", 1))
    assert not check(problems(), rate("q", 1)).height
    with pytest.raises(ValidationError, match="least_agreeing 9 is above draws 8"):
        SelfConsistency(draws=8, least_agreeing=9)


def test_without_a_solver_nothing_is_checked_and_that_is_said(caplog):
    with caplog.at_level(logging.WARNING):
        assert not check(problems(problem("p"))).height
    assert "no solver has answered" in caplog.text


def test_null_reads_no_rates_and_rules_of_form_stand_first(tmp_path):
    rows = problems(problem("p"), problem("q"), problem("r"))
    before = verdicts({"p": None, "q": "filter.x", "r": None})
    path = tmp_path / "rates.parquet"
    assert judge_samples(before, rows.lazy(), In(PassRate, path), PARAMS) is before
    Out(PassRate, path).write(rates(rate("p", 8), rate("q", 0), rate("r", 0)))
    params = PARAMS.model_copy(update={"self_consistency": ASKED})
    after = judge_samples(before, rows.lazy(), In(PassRate, path), params)
    assert after["rule"].to_list() == [None, "filter.x", "filter.inconsistent"]
