"""All the way to a KD set: prompts, the problem writer's server, the client, the row store, parsing."""

import json
from pathlib import Path

import polars as pl
import pytest

from jz3.core.artifacts import In, Metrics, Out
from jz3.core.execution import Price
from jz3.tables.failure import Failure
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.reject import Reject
from jz3.tables.teacher_answer import TeacherAnswer
from jz3.teacher.distill import distill
from jz3.teacher.teacher import Teachers
from jz3.writer.catalogue import read
from jz3.writer.server import MODEL
from stages.distill import main
from tests.teacher.builders import EXECUTION, REPLAY, prompts, teacher

PARAMS = Teachers(teachers={"writer": teacher()}, seed=1)


@pytest.fixture(autouse=True)
def own_store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def test_each_prompt_becomes_a_problem_that_a_family_wrote():
    asked = prompts(40)
    kd_set = distill(asked, PARAMS, EXECUTION)
    assert kd_set.problems.height == kd_set.metrics.rows.kept == kd_set.metrics.answered == 40
    rows = kd_set.problems.sort("prompt_id").iter_rows(named=True)
    for question, row in zip(asked.iter_rows(named=True), rows, strict=True):
        reading = read(row["problem"])
        assert reading is not None
        assert reading.family.level == row["level"] == question["level"]
        assert ("```python" in row["solution"]) == (row["kind"] == "tool")
        assert row["answer"]
    assert (kd_set.metrics.provider, kd_set.metrics.priced, kd_set.metrics.cost_usd) == ("writer", False, 0)


def test_a_replay_rebuilds_the_set_from_the_store_with_the_same_numbers():
    first = distill(prompts(20), PARAMS, EXECUTION)
    again = distill(prompts(20), PARAMS, REPLAY)
    assert again.problems.equals(first.problems)
    assert again.metrics == first.metrics


def test_a_larger_set_keeps_the_ids_and_texts_of_the_smaller_one():
    few = distill(prompts(10), PARAMS, EXECUTION).problems.sort("problem_id")
    many = distill(prompts(15), PARAMS, EXECUTION).problems.sort("problem_id")
    assert many.filter(pl.col("prompt_id").is_in(few["prompt_id"].implode())).equals(few)


def test_answers_cut_at_the_limit_are_rejected_by_their_rule():
    kd_set = distill(prompts(6), Teachers(teachers={"writer": teacher(max_tokens=8)}, seed=1), EXECUTION)
    assert kd_set.metrics.rows.rejected == {"distill.truncated": 6}
    assert kd_set.rejects.height == 6


def test_prompts_that_the_teacher_refuses_are_failures_with_the_reason():
    unreadable = prompts(3).with_columns(full=pl.col("full").str.replace("### New problem", ""))
    kd_set = distill(Prompt.validate(unreadable), PARAMS, EXECUTION)
    assert kd_set.metrics.rows.failed == 3
    assert kd_set.failures["row_id"].sort().to_list() == ["p000", "p001", "p002"]
    assert all("problem writer" in reason for reason in kd_set.failures["reason"])


def test_the_cost_is_that_of_the_tokens_of_all_answers():
    priced = EXECUTION.model_copy(
        update={
            "prices": {
                MODEL: Price(as_of="2026-01-01", input=2.0, cached_input=1.0, output=10.0, batch_discount=0.5)
            }
        }
    )
    metrics = distill(prompts(5), PARAMS, priced).metrics
    assert metrics.priced
    assert metrics.cost_usd == pytest.approx(
        (2 * metrics.prompt_tokens + 10 * metrics.completion_tokens) / 1e6, abs=1e-6
    )
    assert metrics.cost_usd > 0


def test_the_stage_writes_every_table(tmp_path: Path):
    Out(Prompt, tmp_path / "prompts.parquet").write(prompts(4))
    main(
        PARAMS,
        None,
        1.0,
        EXECUTION,
        In(Prompt, tmp_path / "prompts.parquet"),
        In(Passage, tmp_path / "passages.parquet"),
        Out(Problem, tmp_path / "problems.parquet"),
        Out(Reject, tmp_path / "rejects.parquet"),
        Out(Failure, tmp_path / "failures.parquet"),
        Out(TeacherAnswer, tmp_path / "answers.parquet"),
        Metrics(tmp_path / "metrics.json"),
    )
    assert In(Problem, tmp_path / "problems.parquet").rows() == 4
    assert (
        In(Reject, tmp_path / "rejects.parquet").rows()
        == In(Failure, tmp_path / "failures.parquet").rows()
        == 0
    )
    assert json.loads((tmp_path / "metrics.json").read_text())["rows"]["kept"] == 4
