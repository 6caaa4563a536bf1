"""Attribution: scores hold however the work is cut, and no row is computed twice."""

from operator import mul

import polars as pl
import pytest

from jz3.influence.attribute import ATTRIBUTE, AttributeParams, attribute
from jz3.store.rows import open_store
from jz3.tables.problem import Problem
from tests.influence.references import execution, problems, targets

ATTRIBUTION = AttributeParams(max_tokens=64, direction="adam", precision="fp32")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def scores_of(trained, rows=None, params=ATTRIBUTION, **settings):
    rows = problems() if rows is None else rows
    found = attribute(rows, targets(), trained.checkpoints, params, execution(**settings))
    return found.scores.sort("problem_id", "task")


@pytest.mark.usefixtures("store")
def test_scores_do_not_depend_on_how_the_work_is_cut(trained, tmp_path, monkeypatch):
    expected = scores_of(trained)
    assert expected.height == 40
    assert expected["score"].std() > 1e-4
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "other"))
    found = scores_of(trained, training_batch=1, generation_commit=3)
    assert found["score"].to_list() == pytest.approx(expected["score"].to_list(), abs=1e-6)


@pytest.mark.usefixtures("store")
def test_a_score_is_the_sum_of_learning_rate_times_cosine_over_the_checkpoints(trained):
    rates = [checkpoint.mean_learning_rate for checkpoint in trained.checkpoints.manifest().checkpoints]
    assert len(set(rates)) > 1
    for score, cosines in scores_of(trained).select("score", "cosines").iter_rows():
        assert score == pytest.approx(sum(map(mul, rates, cosines)), rel=1e-12)


@pytest.mark.usefixtures("store")
def test_more_problems_cost_the_new_ones_alone_and_move_no_score(trained):
    fewer = problems(12)
    before = scores_of(trained, fewer)
    assert len(list(open_store().rows(ATTRIBUTE))) == 24
    after = scores_of(trained)
    assert len(list(open_store().rows(ATTRIBUTE))) == 40
    assert after.join(fewer, on="problem_id", how="semi").equals(before)
    assert scores_of(trained).equals(after)


@pytest.mark.usefixtures("store")
def test_too_long_problems_are_rejected_by_a_rule(trained):
    rows = problems()
    long = rows.with_columns(
        solution=pl.when(pl.col("problem_id") == "c03").then(pl.lit("so " * 90)).otherwise("solution")
    )
    found = attribute(Problem.validate(long), targets(), trained.checkpoints, ATTRIBUTION, execution())
    assert found.metrics.rows.rejected == {"attribute.too_long": 1}
    assert set(rows["problem_id"]) - set(found.scores["problem_id"]) == {"c03"}
