"""The solver's draws in the store are counted before it is asked, by the keys of the stage itself."""

import pytest

from jz3.core.artifacts import InDir, Out
from jz3.core.graph_file import Graph, Stage
from jz3.graph import solver_draws as module
from jz3.graph.sizes import Sizes
from jz3.graph.solver_draws import solver_draws
from jz3.store.row_store import open_store
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.teacher.solve import solve
from tests.conftest import ROOT
from tests.generation.builders import tiny_model
from tests.teacher.test_solve import EXECUTION, PROMPTS, ROWS, problems, solver, student

FLAGS = {
    "problems": ("data/problems/some",),
    "prompts": (str(ROOT / "data/solvers"),),
    "model": ("data/models/some",),
}
STAGE = Stage("solve@some", "", FLAGS, frozenset(), frozenset(), frozenset())


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    Out(Problem, tmp_path / "data/problems/some").write(problems())
    tiny_model(tmp_path / "data/models/some", context=256)
    return tmp_path


def found(root, params, changing=()):
    sizes = Sizes(root, Graph((STAGE,)), {}, EXECUTION, set(changing))
    return solver_draws(root, STAGE, params, sizes, open_store(), EXECUTION)


@pytest.mark.parametrize("asked", [solver, student])
def test_draws_that_were_answered_are_in_the_store(root, asked):
    before = found(root, asked(2))
    assert (before.rows.value, before.rows.exact, before.stored.value) == (2 * len(ROWS), True, 0)
    solve(problems(), PROMPTS, InDir(ModelManifest, root / "data/models/some"), asked(2), EXECUTION)
    after = found(root, asked(4))
    assert (after.rows.value, after.stored.value, after.stored.exact) == (4 * len(ROWS), 2 * len(ROWS), True)
    assert after.characters == before.characters > 50


def test_of_a_model_that_is_still_to_come_nothing_is_in_the_store(root):
    solve(problems(), PROMPTS, InDir(ModelManifest, root / "data/models/some"), student(2), EXECUTION)
    assert found(root, student(2)).stored.value == 2 * len(ROWS)
    assert found(root, student(2), ["data/models/some"]).stored.value == 0
    unknown = found(root, student(2), ["data/problems/some"])
    assert (unknown.rows.exact, unknown.stored.value, unknown.stored.exact) == (False, 0, False)
    planning = EXECUTION.planning
    assert unknown.characters == planning.problem_tokens * planning.characters_per_token


@pytest.mark.parametrize("looked_up", [len(ROWS), 1])
def test_of_a_large_table_a_part_is_looked_up(root, monkeypatch, looked_up):
    solve(problems(), PROMPTS, InDir(ModelManifest, None), solver(2), EXECUTION)
    monkeypatch.setattr(module, "LOOKED_UP", looked_up)
    part = found(root, solver(2))
    assert (part.rows.value, part.stored.value, part.stored.exact) == (2 * len(ROWS), 2 * len(ROWS), False)


def test_problems_that_are_not_asked_are_not_counted(root):
    answers = [row["answer"] for row in ROWS]
    only = {"kinds": ["cot"], "longest_answer": 2, "digit": True}
    asked = sum(len(answer) <= 2 and any(map(str.isdigit, answer)) for answer in answers)
    assert 0 < asked < len(ROWS)
    few = found(root, solver(2, only=only))
    assert (few.rows.value, few.rows.exact, few.stored.value) == (2 * asked, True, 0)
    solve(problems(), PROMPTS, InDir(ModelManifest, None), solver(2, only=only), EXECUTION)
    assert found(root, solver(2, only=only)).stored.value == 2 * asked
    assert found(root, solver(2)).rows.value == 2 * len(ROWS)
    assert not found(root, solver(2, only=only), ["data/problems/some"]).rows.exact
