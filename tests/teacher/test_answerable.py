"""Which problems a solver is asked; the requests are those of the former self-consistency, so nothing is paid
twice.
"""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.core.artifacts import InDir, InFiles
from jz3.generation.chat import CHAT, chat_key
from jz3.generation.engine import GenerationRequest, Turn
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.teacher.answerable import Only, asked_of, unsolved
from jz3.teacher.solve import draws_of, solve
from jz3.teacher.solvers import chat_request, generation_request
from tests.conftest import ROOT
from tests.teacher.builders import EXECUTION, teacher
from tests.teacher.test_solve import ROWS, solver, student

ONLY = Only(kinds=["cot"], longest_answer=60, digit=True)
PROMPTS = InFiles(ROOT / "data/solvers")
WORDS = "How many are 3 plus 4?\nPlease reason step by step, and put your final answer within \\boxed{}."
SEEDS = (2675464475844993155, 1168474105629992609)
"""Seeds of the first two samples of problem `3+4` under seed 5, as self-consistency drew them."""
KEYS = ("e4874ffd9ef14016c07455cd477476c1", "b7234d5550f5d6547e3b9010c6534d46")
"""Keys of its requests to a served model `adder`, at 0.7, 1.0 and 100 tokens: answers are stored under them.
"""


def problems(*rows):
    return Problem.validate(pl.DataFrame(list(rows), schema=Problem.create_empty().schema))


def row(row_id, **changes):
    return ROWS[0] | {"problem_id": row_id, "answer": "4"} | changes


def test_only_prose_with_a_short_number_for_an_answer_is_asked():
    rows = problems(
        row("asked"),
        row("kind", kind="tool"),
        row("no_answer", answer=None),
        row("no_digit", answer="yes"),
        row("long_answer", answer="1" * 61),
        row("sixty", answer="1" * 60),
    )
    assert asked_of(rows, ONLY)["problem_id"].to_list() == ["asked", "sixty"]
    left_out = {line["row_id"]: line for line in unsolved(rows, ONLY).iter_rows(named=True)}
    assert {name: line["rule"] for name, line in left_out.items()} == {
        name: f"solve.{name}" for name in ("kind", "no_answer", "no_digit", "long_answer")
    }
    assert [left_out[name]["evidence"] for name in ("kind", "no_answer", "no_digit")] == ["tool", "", "yes"]
    assert asked_of(rows, None).equals(rows)
    assert not unsolved(rows, None).height


ANSWERS = st.one_of(st.none(), st.text("ab1 ", max_size=5))


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.sampled_from(["cot", "tool"]), ANSWERS), max_size=8),
    st.builds(
        Only,
        kinds=st.lists(st.sampled_from(["cot", "tool"]), min_size=1),
        longest_answer=st.integers(1, 5),
        digit=st.booleans(),
    ),
)
def test_each_problem_is_asked_or_listed(drawn, only):
    rows = problems(
        *(row(f"p{place}", kind=kind, answer=answer) for place, (kind, answer) in enumerate(drawn))
    )
    asked, listed = asked_of(rows, only)["problem_id"], unsolved(rows, only)["row_id"]
    assert sorted([*asked, *listed]) == rows["problem_id"].to_list()
    for line in asked_of(rows, only).iter_rows(named=True):
        assert line["kind"] in only.kinds
        assert 0 <= len(line["answer"]) <= only.longest_answer
        assert not only.digit or "1" in line["answer"]


def test_what_self_consistency_has_paid_for_is_not_asked_again():
    served = {"max_tokens": 100, "temperature": 0.7, "top_p": 1.0, "seed": "drawn"}
    declared = teacher(provider="vllm", model="adder", request=served).model_dump()
    params = solver(2, "boxed.md", teacher=declared, seed=5)
    draws = draws_of(problems(row("3+4", problem="How many are 3 plus 4?")), PROMPTS, params)
    assert tuple(chat_key(chat_request(draw, params.solver)) for draw in draws) == KEYS
    for form, prompt in (("text", f"{WORDS}\n"), ("chat", (Turn("user", WORDS),))):
        own = student(2, form=form, seed=5).solver
        requests = [generation_request(draw, own) for draw in draws]
        assert requests == [GenerationRequest(prompt, seed) for seed in SEEDS]


def test_the_solver_asks_those_alone_and_lists_the_rest(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    rows = problems(ROWS[0], ROWS[1] | {"answer": None}, ROWS[2] | {"kind": "tool"})
    done = solve(rows, PROMPTS, InDir(ModelManifest, None), solver(2, only=ONLY.model_dump()), EXECUTION)
    assert done.rates["problem_id"].to_list() == ["p00"]
    assert dict(done.unsolved.select("row_id", "rule").iter_rows()) == {
        "p01": "solve.no_answer",
        "p02": "solve.kind",
    }
    assert (done.metrics.problems, done.metrics.not_asked) == (1, {"solve.kind": 1, "solve.no_answer": 1})
    assert len(list(open_store().rows(CHAT))) == done.metrics.rows.read == 2


def test_a_kind_must_be_named():
    with pytest.raises(ValueError, match="kinds"):
        Only(kinds=[], longest_answer=1, digit=False)
