"""A row of a recipe that only a teacher writes is traced to its graph, its seed and its licence."""

from jz3.core.artifacts import Out, OutDir
from jz3.graph.trace import trace
from jz3.tables.lineage import Lineage
from jz3.tables.problem import Problem
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.teacher.augment import augment
from jz3.teacher.workings import save_workings
from jz3.writer.catalogue import FAMILIES
from tests.teacher.builders import EXECUTION, seed_problems, seed_row
from tests.teacher.test_rvsyn import PROMPTS, params

STAGES = """
stages:
  tasks:
    cmd: python -m stages.tasks --seeds data/tasks/seeds.parquet
    outs: [data/tasks/seeds.parquet]
  augment:
    matrix: {recipe: [rvsyn]}
    cmd: >-
      python -m stages.augment --seeds data/tasks/seeds.parquet --problems data/problems/${item.recipe}
      --lineage data/lineage/${item.recipe}.parquet --workings data/workings/${item.recipe}
    deps: [data/tasks/seeds.parquet]
    outs:
      - data/problems/${item.recipe}
      - data/lineage/${item.recipe}.parquet
      - data/workings/${item.recipe}
"""


def test_a_told_problem_is_traced_to_its_graph_its_seed_and_its_licence(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    (tmp_path / "dvc.yaml").write_text(STAGES)
    seeds = seed_problems([seed_row(number, family) for number, family in enumerate(FAMILIES[:3])])
    found = augment(seeds, PROMPTS, params(graphs=2, confirmations=1), EXECUTION)
    Out(SeedProblem, tmp_path / "data/tasks/seeds.parquet").write(seeds)
    Out(Problem, tmp_path / "data/problems/rvsyn").write(found.problems)
    Out(Lineage, tmp_path / "data/lineage/rvsyn.parquet").write(found.lineage)
    with OutDir(WorkingsManifest, tmp_path / "data/workings/rvsyn").open() as directory:
        save_workings(found.workings, directory)
    row = found.problems.row(0, named=True)
    steps = trace(tmp_path, row["problem_id"])
    calls = [step.row for step in steps if step.what == "graph call"]
    assert [call["node"] for call in calls] == list(range(len(calls)))
    assert calls[-1]["value"] == row["answer"]
    lines = [step.row for step in steps if step.what == "lineage"]
    found_seeds = {step.row["seed_id"]: step.row["licence"] for step in steps if step.what == "seed"}
    assert found_seeds == dict.fromkeys(lines[0]["seed_ids"], "MIT")
