"""A row of a recipe that only a teacher writes is traced to its source text and the licence."""

from jz3.core.artifacts import Out, OutDir
from jz3.graph.trace import trace
from jz3.tables.lineage import Lineage
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.seed_problem import SeedProblem
from jz3.tables.workings_manifest import WorkingsManifest
from jz3.teacher.augment import augment
from jz3.teacher.workings import save_workings
from jz3.writer.catalogue import FAMILIES
from tests.teacher import test_synthllm as documents
from tests.teacher.builders import EXECUTION, seed_problems, seed_row
from tests.teacher.test_rvsyn import PROMPTS, params

STAGES = """
stages:
  sample:
    cmd: python -m stages.sample --corpus data/sample/corpus --metrics data/metrics/sample.json
    outs: [data/sample/corpus]
  tasks:
    cmd: python -m stages.tasks --seeds data/tasks/seeds.parquet
    outs: [data/tasks/seeds.parquet]
  augment:
    matrix: {recipe: [rvsyn, synthllm]}
    cmd: >-
      python -m stages.augment --seeds data/tasks/seeds.parquet --problems data/problems/${item.recipe}
      --lineage data/lineage/${item.recipe}.parquet --workings data/workings/${item.recipe}
    deps: [data/tasks/seeds.parquet]
    outs:
      - data/problems/${item.recipe}
      - data/lineage/${item.recipe}.parquet
      - data/workings/${item.recipe}
"""


def leave(root, recipe, found):
    """Write what `augment` leaves."""
    Out(Problem, root / f"data/problems/{recipe}").write(found.problems)
    Out(Lineage, root / f"data/lineage/{recipe}.parquet").write(found.lineage)
    with OutDir(WorkingsManifest, root / f"data/workings/{recipe}").open() as directory:
        save_workings(found.workings, directory)


def test_a_told_problem_is_traced_to_its_graph_its_seed_and_its_licence(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    (tmp_path / "dvc.yaml").write_text(STAGES)
    seeds = seed_problems([seed_row(number, family) for number, family in enumerate(FAMILIES[:3])])
    found = augment(seeds, PROMPTS, params(graphs=2, confirmations=1), EXECUTION)
    Out(SeedProblem, tmp_path / "data/tasks/seeds.parquet").write(seeds)
    leave(tmp_path, "rvsyn", found)
    row = found.problems.row(0, named=True)
    steps = trace(tmp_path, row["problem_id"])
    calls = [step.row for step in steps if step.what == "graph call"]
    assert [call["node"] for call in calls] == list(range(len(calls)))
    assert calls[-1]["value"] == row["answer"]
    lines = [step.row for step in steps if step.what == "lineage"]
    found_seeds = {step.row["seed_id"]: step.row["licence"] for step in steps if step.what == "seed"}
    assert found_seeds == dict.fromkeys(lines[0]["seed_ids"], "MIT")


def test_a_question_of_two_documents_is_traced_to_both_and_to_its_combination(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    (tmp_path / "dvc.yaml").write_text(STAGES)
    found = augment(
        documents.passages(), documents.PROMPTS, documents.params(level_1=0, level_2=0), EXECUTION
    )
    Out(Passage, tmp_path / "data/sample/corpus").write(documents.passages())
    leave(tmp_path, "synthllm", found)
    row = found.problems.row(0, named=True)
    steps = trace(tmp_path, row["problem_id"])
    (line,) = [step.row for step in steps if step.what == "lineage"]
    (question,) = [step.row for step in steps if step.what == "posed question"]
    assert question["text"] == row["problem"]
    (met,) = [step.row for step in steps if step.what == "combination"]
    assert met["passage_ids"] == line["seed_ids"]
    licences = {one["passage_id"]: one["licence"] for one in documents.ROWS}
    traced = {step.row["passage_id"]: step.row["licence"] for step in steps if step.what == "passage"}
    assert traced == {one: licences[one] for one in line["seed_ids"]}
    assert len(traced) == 2
