"""RDS+ as in its paper: states weighted by position, cosines, the nearest target; and its stored rows.

If they fail, a selection by `rds_plus` is not that of the paper.
"""

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.influence.checkpoints import BASE
from jz3.influence.pooled_states import by_position, evenly, pooled_states
from jz3.influence.rds import METHOD, RDS, RdsParams, rds
from jz3.influence.texts import task_texts
from jz3.lm.model import load_model, load_tokenizer
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tables.value import Value
from tests.influence.references import execution, problems, targets

PARAMS = RdsParams(max_tokens=64, precision="fp32")


@pytest.fixture
def base(trained, tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    return InDir(ModelManifest, trained.checkpoints.path / BASE)


@given(st.integers(1, 500))
def test_weights_of_a_text_add_up_to_one_and_by_position_they_rise(tokens):
    assert float(by_position(tokens).sum()) == pytest.approx(1, abs=1e-5)
    assert float(evenly(tokens).sum()) == pytest.approx(1, abs=1e-5)
    assert (by_position(tokens).diff() > 0).all()


def vector(model, row):
    """The vector from all hidden states of the whole model, one text at a time."""
    output = model(input_ids=torch.tensor([row.tokens]), output_hidden_states=True)
    states = output.hidden_states[-1][0]
    weights = torch.arange(1, len(row.tokens) + 1)
    mean = (weights[:, None] * states).sum(0) / weights.sum()
    return mean / mean.norm()


def test_values_are_the_highest_cosines_with_a_target_computed_one_by_one(base):
    found = rds(problems(), targets(), base, PARAMS, execution())
    values = Value.validate(found.values)
    assert found.metrics.rows.kept == values.height == 20
    assert set(values["method"]) == {METHOD}
    assert values["loss"].null_count() == values["cosines"].null_count() == 20
    model, tokenizer = load_model(base.path, "float32").eval(), load_tokenizer(base.path)
    as_targets = problems().select(
        "kind", "solution", target_id="problem_id", question="problem", subject="subject"
    )
    one = {}
    for task, rows in (
        ("candidates", as_targets),
        *((t, targets().filter(task=t).drop("task")) for t in ("sums", "products")),
    ):
        whole = Target.validate(rows.with_columns(task=pl.lit(task)).select(Target.column_names()))
        with torch.no_grad():
            one[task] = torch.stack(
                [vector(model, text.row) for text in task_texts(tokenizer, whole, 64)[task]]
            )
    by_task = {task: (one["candidates"] @ one[task].T).amax(1) for task in ("products", "sums")}
    exact = torch.maximum(by_task["products"], by_task["sums"])
    assert values["value"].to_list() == pytest.approx(exact.tolist(), abs=2e-3)  # float16: one in 2,000


def test_batches_move_a_vector_by_rounding_alone(base):
    model, tokenizer = load_model(base.path, "float32").eval(), load_tokenizer(base.path)
    rows = [text.row for text in task_texts(tokenizer, targets(), 64)["sums"]]
    together = pooled_states(model, rows, by_position)
    assert len({len(row.tokens) for row in rows}) > 1
    alone = torch.cat([pooled_states(model, [row], by_position) for row in rows])
    assert torch.allclose(together, alone, atol=1e-5)


def test_a_problem_that_is_a_target_comes_first_and_more_problems_cost_the_new_ones_alone(base):
    target = targets().row(0, named=True)
    same = problems(1).with_columns(
        problem_id=pl.lit("same"),
        problem=pl.lit(target["question"]),
        solution=pl.lit(target["solution"]),
        kind=pl.lit("cot"),
    )
    few = rds(problems(), targets(), base, PARAMS, execution())
    rows = len(list(open_store().rows(RDS)))
    assert rows == 26
    more = Problem.validate(problems().vstack(same.cast(dict(problems().schema))))
    values = rds(more, targets(), base, PARAMS, execution()).values
    assert len(list(open_store().rows(RDS))) == rows, "its text is the target's"
    best = values.sort("value", descending=True).row(0, named=True)
    assert (best["problem_id"], best["task"]) == ("same", target["task"])
    assert best["value"] == pytest.approx(1, abs=2e-3)
    assert values.filter(problem_id="c00").equals(few.values.filter(problem_id="c00"))


def test_what_is_too_long_has_no_value_and_a_task_without_a_target_that_fits_is_an_error(base):
    tokenizer = load_tokenizer(base.path)
    by_task = task_texts(tokenizer, targets(), 64)
    most = max(len(text.row.tokens) for texts in by_task.values() for text in texts)
    with pytest.raises(UserError, match="none of the 3 targets of task"):
        rds(problems(), targets(), base, PARAMS.model_copy(update={"max_tokens": 2}), execution())
    found = rds(problems(), targets(), base, PARAMS.model_copy(update={"max_tokens": most}), execution())
    assert found.metrics.rows.rejected == {"rds.too_long": 20 - found.values.height}
    assert 0 < found.values.height < 20
