"""The plan of a graph of skills: counted if the references are there, and equal to what is then asked."""

from pathlib import Path
from statistics import mean

import polars as pl
import pytest

from jz3.core.artifacts import In, InFiles, Out
from jz3.core.graph_file import Graph, Stage
from jz3.graph.sizes import Amount, Sizes
from jz3.graph.skill_asks import skill_asks
from jz3.store.row_store import open_store
from jz3.tables.problem import Problem
from jz3.tables.verdict import Verdict
from jz3.teacher.skills import skill_requests, skills
from tests.conftest import ROOT
from tests.teacher.builders import EXECUTION
from tests.teacher.test_skills import ROWS, VERDICTS, encode, params, table

FLAGS = {"references": ("references",), "decontaminated": ("verdicts.parquet",), "prompts": ("prompts",)}
STAGE = Stage("skills@mass", "", FLAGS, frozenset(), frozenset(), frozenset())


def asked(root, changing):
    sizes = Sizes(root, Graph((STAGE,)), {}, EXECUTION, changing)
    return skill_asks(root, STAGE, params(), sizes, open_store(), EXECUTION.planning)


def test_requests_are_counted_before_and_found_afterwards(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    rows = table([*ROWS[:5], ROWS[-1]])
    Out(Problem, tmp_path / "references").write(rows)
    Out(Verdict, tmp_path / "verdicts.parquet").write(VERDICTS)
    Path(tmp_path / "prompts").symlink_to(ROOT / "data/recipes/mass")
    before = asked(tmp_path, set())
    requests = skill_requests(rows, VERDICTS, InFiles(tmp_path / "prompts"), params())
    assert (before.rows, before.stored) == (Amount(5, exact=True), Amount(0, exact=True))
    lengths = [len(request.prompt) for request in requests.values()]
    assert before.characters == pytest.approx(mean(lengths))
    references = In(Problem, tmp_path / "references").read()
    found = skills(references, VERDICTS, InFiles(tmp_path / "prompts"), encode, params(), EXECUTION)
    assert found.metrics.paid.answered == before.rows.value
    assert asked(tmp_path, set()).stored == Amount(5, exact=True)
    ahead = asked(tmp_path, {"references"})
    assert ahead.rows == Amount(EXECUTION.planning.instruction_rows, exact=False)
    assert pl.DataFrame(found.rejects)["rule"].to_list() == ["mass.contaminated"]
    planning = EXECUTION.planning
    assert ahead.stored == Amount(0, exact=False)
    assert ahead.characters == planning.problem_tokens * planning.characters_per_token
