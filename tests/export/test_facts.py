"""What the tables of a run know about a problem: its recipe, licence, program and pass rate."""

import polars as pl
import pytest

from jz3.core.artifacts import Out
from jz3.core.graph_file import read_graph
from jz3.export.sources import exported
from jz3.tables.execution_result import ExecutionResult
from jz3.tables.pass_rate import PassRate
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from tests.curation.rows import passages, problem, problems

DVC_YAML = """\
stages:
  execute:
    foreach: {own: {}}
    do:
      cmd: python -m stages.execute --results results.parquet
      outs: [results.parquet]
  filter:
    foreach: {own: {}}
    do:
      cmd: >-
        python -m stages.filter --problems problems.parquet --passages passages.parquet
        --rates rates.parquet
"""


@pytest.fixture
def root(tmp_path):
    (tmp_path / "dvc.yaml").write_text(DVC_YAML)
    (tmp_path / "graph.yaml").write_text("{}\n")
    Out(Problem, tmp_path / "problems.parquet").write(
        problems(problem("a", passage_id="p"), problem("b"), problem("c"))
    )
    Out(Passage, tmp_path / "passages.parquet").write(passages(p="A text."))
    Out(ExecutionResult, tmp_path / "results.parquet").write(ExecutionResult.create_empty())
    rates = [("a", "s", 4, 1, 0.25, "4", 3, 0.75, True), ("b", "s", 0, 0, None, None, 0, None, False)]
    Out(PassRate, tmp_path / "rates.parquet").write(
        pl.DataFrame(rates, schema=PassRate.create_empty().schema, orient="row")
    )
    return tmp_path


def test_each_problem_has_the_rate_of_its_recipes_solver_and_none_where_it_was_not_drawn(root):
    assert read_graph(root).of("filter")[0].key == "own"
    rows = list(exported(str(root / "problems.parquet"), root).rows)
    assert [(row.row_id, row.pass_rate) for row in rows] == [("a", 0.25), ("b", None), ("c", None)]
    assert [(row.recipe, row.licence) for row in rows] == [("own", "CC0-1.0"), ("own", ""), ("own", "")]
