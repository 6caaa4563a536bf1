"""A recipe of solved problems: from a solver's attempts to rows with lineage, and nothing is lost on
the way.
"""

from collections import Counter

import polars as pl
import pytest

from jz3.answers.equality import equal
from jz3.core.artifacts import In, Metrics, Out
from jz3.tables.attempt import Attempt
from jz3.tables.lineage import Lineage
from jz3.tables.pass_rate import PassRate
from jz3.tables.problem import Problem
from jz3.tables.reject import Reject
from jz3.tables.thought import Thought
from jz3.teacher.balance import BalanceParams, balance
from jz3.teacher.solve import solve
from stages.balance import main
from tests.teacher.test_solve import EXECUTION, NO_MODEL, PROMPTS, ROWS, problems, solver


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def params(form, rows):
    return BalanceParams.model_validate({"name": "dart", "quota": {"form": form, "rows": rows}})


SEEDS = problems([ROWS[0] | {"answer": "-99"}, ROWS[1] | {"answer": None}, *ROWS[2:]])
"""One whose answer no draw gives, and one without an answer."""


def drawn(draws=6, **quota):
    return solve(SEEDS, PROMPTS, NO_MODEL, solver(draws, quota=quota or None), EXECUTION)


@pytest.mark.parametrize(("form", "easy"), [("uniform", 3), ("prop2diff", 1)])
def test_each_problem_has_the_solutions_that_its_difficulty_asks_for(form, easy):
    done = drawn(form=form, rows=3, most_draws=7)
    found = balance(SEEDS, done.attempts, done.rates, params(form, 3))
    by_problem = Counter(seed for (seed,) in found.lineage["seed_ids"])
    assert by_problem == {row["problem_id"]: easy for row in ROWS[2:]}
    assert found.metrics.short == 1, "p00, of which every draw fails, up to the cap"
    assert found.metrics.wanted == 3 + easy * len(ROWS[2:])
    assert done.attempts.filter(pl.col("problem_id") == "p00").height == 7
    lineage = {row["problem_id"]: row for row in found.lineage.iter_rows(named=True)}
    seeds = {row["problem_id"]: row for row in SEEDS.iter_rows(named=True)}
    for row in found.problems.iter_rows(named=True):
        line = lineage.pop(row["problem_id"])
        seed = seeds[line["seed_ids"][0]]
        assert (row["problem"], row["level"], row["subject"]) == (
            seed["problem"],
            seed["level"],
            seed["subject"],
        )
        assert equal(seed["answer"], row["answer"]).equal
        assert (line["recipe"], line["expected"], line["expected_from"]) == ("dart", seed["answer"], "gold")
    assert not lineage
    assert found.problems.group_by("problem").agg(pl.col("solution").n_unique())["solution"].to_list() == [
        easy
    ] * len(ROWS[2:])


def test_every_attempt_is_kept_or_has_its_rule():
    done = drawn()
    found = balance(SEEDS, done.attempts, done.rates, params("uniform", 2))
    rows = found.metrics.rows
    assert (rows.read, rows.kept) == (done.attempts.height, found.problems.height)
    assert Counter(found.rejects["rule"]) == rows.rejected
    assert rows.rejected["balance.answer_differs"] == 2 * 6
    assert rows.rejected["balance.not_drawn"] > 0
    assert found.rejects["row_id"].n_unique() == rows.read - rows.kept
    more = balance(SEEDS, done.attempts, done.rates, params("uniform", 4))
    assert set(found.problems["problem_id"]) < set(more.problems["problem_id"])


def test_the_stage_writes_every_table(tmp_path):
    done = drawn(2)
    Out(Problem, tmp_path / "seeds").write(SEEDS)
    Out(Attempt, tmp_path / "attempts").write(done.attempts)
    Out(PassRate, tmp_path / "rates.parquet").write(done.rates)
    main(
        params("prop2diff", 3),
        In(Problem, tmp_path / "seeds"),
        In(Attempt, tmp_path / "attempts"),
        In(PassRate, tmp_path / "rates.parquet"),
        Out(Problem, tmp_path / "problems"),
        Out(Thought, tmp_path / "thoughts.parquet"),
        Out(Lineage, tmp_path / "lineage.parquet"),
        Out(Reject, tmp_path / "rejects.parquet"),
        Metrics(tmp_path / "metrics.json"),
    )
    rows = In(Problem, tmp_path / "problems").rows()
    assert rows == In(Lineage, tmp_path / "lineage.parquet").rows() == len(ROWS) - 2
    assert In(Reject, tmp_path / "rejects.parquet").rows() == done.attempts.height - rows
