"""The whole graph on the test profile: every row is accounted for from passage to grade, a second run runs
nothing, and a changed parameter runs what follows from it and nothing else.
"""

import json
import re
import shutil
import sys
from itertools import groupby
from pathlib import Path

import polars as pl
import pytest
import yaml

from jz3.core.graph_file import read_graph
from jz3.generation.completion_rows import GENERATE
from jz3.graph.ledger import LedgerError, accounts
from jz3.graph.plan import plan
from jz3.graph.trace import trace
from jz3.graph.verify import verify
from jz3.lm.blocks import open_blocks
from jz3.store.row_store import RowStore
from jz3.store.sharing import damages
from tests.conftest import FORKED_STAGES, ROOT, Clone

TAUGHT = ("metamath", "openmathinstruct", "personamath", "rvsyn", "synthllm")
RECIPES = ("jiuzhang", "seed_problems", "dart", "mass", *TAUGHT)
MODELS = (*RECIPES, "instruct_only")


@pytest.fixture(scope="module")
def clone(whole_run):
    return whole_run[0]


@pytest.fixture(scope="module")
def altered(clone, tmp_path_factory):
    """A copy of the finished run, for tests that change it while other test files read the shared one."""
    folder = tmp_path_factory.mktemp("altered") / "whole"
    shutil.copytree(clone.path.parent, folder, symlinks=True)
    return Clone(folder / clone.path.name)


@pytest.fixture(scope="module")
def metrics(clone):
    folder = clone.path / "data/metrics"
    return {
        file.relative_to(folder).with_suffix("").as_posix(): json.loads(file.read_text())
        for file in folder.rglob("*.json")
    }


def ran(output):
    return set(re.findall(r"Running stage '([^']+)'", output))


def rows(metrics, name):
    return metrics[name]["rows"]


def test_every_stage_ran(whole_run):
    names = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert {stage.partition("@")[0] for stage in ran(whole_run[1])} == set(names)


def test_no_row_is_lost_between_stages(clone, metrics):
    prompts = {name: metrics[f"compose/{name}"]["prompts"] for name in ("initial", "candidates", "corpus")}
    assert rows(metrics, "distill/initial")["read"] == prompts["initial"]
    assert rows(metrics, "select/boosted")["read"] == prompts["initial"] + prompts["candidates"]
    assert (
        rows(metrics, "distill/boosted")["read"]
        == rows(metrics, "select/boosted")["kept"]
        > prompts["initial"]
    )
    for name in ("initial", "boosted"):
        assert rows(metrics, f"finetune/{name}")["read"] == rows(metrics, f"distill/{name}")["kept"]
    for name in ("candidates", "corpus"):
        assert rows(metrics, f"synthesize/{name}")["read"] == prompts[name]
        assert rows(metrics, f"parse/{name}")["read"] == rows(metrics, f"synthesize/{name}")["kept"]
    graph = read_graph(clone.path)
    left_by = {
        "jiuzhang": rows(metrics, "parse/corpus")["kept"],
        "seed_problems": sum(metrics["tasks"]["seeds"].values()),
        "dart": rows(metrics, "balance/dart")["kept"],
        "mass": rows(metrics, "choose/mass")["kept"],
        **{name: rows(metrics, f"augment/{name}")["kept"] for name in TAUGHT},
    }
    operators = {name: one["rows"] for name, one in metrics["augment/metamath"]["operators"].items()}
    assert operators["answer"]["read"] == 2 * left_by["seed_problems"]
    assert operators["rephrase"]["read"] == operators["reword"]["kept"] > 0
    assert operators["fobar"]["read"] >= operators["mask"]["kept"] == operators["state"]["read"] > 0
    told = {name: one["rows"] for name, one in metrics["augment/personamath"]["operators"].items()}
    assert told["solve"]["read"] == left_by["seed_problems"]
    assert told["rewrite"]["read"] == 2 * told["solve"]["kept"] > 0
    assert told["rewritten"]["read"] == told["rewrite"]["kept"] > 0
    posed = {name: one["rows"] for name, one in metrics["augment/synthllm"]["operators"].items()}
    assert posed["pose_1"]["read"] == posed["concepts"]["read"] == metrics["augment/synthllm"]["seeds"] > 0
    assert posed["pose_3"]["read"] == posed["combine"]["kept"]
    for level in (1, 2, 3):
        assert posed[f"solve_{level}"]["read"] == posed[f"question_{level}"]["kept"] > 0
    instructions = rows(metrics, "decontaminate/instruction")["read"]
    assert {stage.key for stage in graph.of("execute")} == set(left_by) == set(RECIPES)
    for recipe, problems in left_by.items():
        assert problems > 0
        for stage in ("execute", "filter", "decontaminate"):
            assert rows(metrics, f"{stage}/{recipe}")["read"] == problems
        correct = metrics[f"correctness/{recipe}"]
        assert correct["tool_problems"] + correct["prose_problems"] == problems
        kept = min(rows(metrics, f"{stage}/{recipe}")["kept"] for stage in ("execute", "filter"))
        assert rows(metrics, f"dedup/{recipe}")["read"] <= kept
    for solver in graph.of("solve"):
        solved = metrics[f"solve/{solver.key}"]
        assert (
            rows(metrics, f"solve/{solver.key}")["read"]
            >= 2 * solved["problems"]
            == 2 * left_by["seed_problems"]
        )
    assert rows(metrics, "balance/dart")["read"] == rows(metrics, "solve/writer")["kept"]
    assert rows(metrics, "balance/dart")["kept"] == metrics["balance/dart"]["wanted"] > 0
    for mix in graph.of("mix"):
        model = mix.key
        problems = left_by[Path(mix.path("problems")).name]
        assert rows(metrics, f"mix/{model}")["read"] == problems + instructions
        assert rows(metrics, f"pack/{model}")["read"] == rows(metrics, f"mix/{model}")["kept"]
        assert rows(metrics, f"grade/{model}")["read"] == rows(metrics, f"answer/{model}")["kept"] > 0


def test_only_the_real_difference_lies_between_the_models(clone):
    parts = {
        model: set(pl.read_parquet(clone.path / "data/mix" / model / "*.parquet")["part"].unique())
        for model in MODELS
    }
    both = {"pretrain", "instruction"}
    assert parts == dict.fromkeys(MODELS, both) | {"instruct_only": {"instruction"}}


def test_the_tables_and_the_report_are_there_for_people(clone):
    summary = (clone.path / "data/tables/pages/summary.md").read_text()
    report = (clone.path / "data/report/index.html").read_text()
    card = (clone.path / "data/mix/README.md").read_text()
    assert len(report) > 10_000
    assert '<span class="badge right"' in report, "seed problems are of the writer's families, and right"
    assert "right before curation" in card
    for recipe in RECIPES:
        assert f"| {recipe} " in summary
        assert f'<th scope="row">{recipe}</th>' in report, "what the checker read of it"
        assert f"Of the {recipe} rows" in report
        assert f"- config_name: {recipe}" in card


def test_a_problem_is_traced_from_its_licence_to_the_checkpoint(clone):
    blocks = open_blocks(clone.path / "data/packed/jiuzhang")
    packed = pl.col("position").is_in(blocks.rows.tolist())  # the others are held out or too long
    training = pl.read_parquet(clone.path / "data/mix/jiuzhang/*.parquet")
    row = training.filter(packed, pl.col("part") == "pretrain").row(0, named=True)
    steps = trace(clone.path, row["row_id"][:12])
    # A prompt of the candidates may also be one of the corpus; each table that contains it is named.
    kinds = [what for what, _ in groupby(steps, key=lambda step: step.what)]
    assert kinds[:4] == ["problem", "completion", "prompt", "passage"]
    assert all(step.row["licence"] for step in steps if step.what == "passage")
    found = {step.what: step for step in steps}
    assert found["training row"].row["position"] == row["position"]
    assert found["checkpoint"].stage == "pretrain@jiuzhang"
    assert 0 <= found["block"].row["block"] < len(blocks)
    assert found["near benchmark item"].row["item_id"].partition("/")[1]


def test_a_problem_of_the_second_recipe_is_traced_to_its_own_model(clone):
    row = pl.read_parquet(clone.path / "data/mix/seed_problems/*.parquet").row(0, named=True)
    assert (row["part"], row["source"]) == ("pretrain", "seed")
    found = {step.stage: step for step in trace(clone.path, row["row_id"])}
    verdicts = {f"{stage}@seed_problems" for stage in ("execute", "filter", "dedup", "decontaminate")}
    assert {"tasks", "mix@seed_problems", "pack@seed_problems", "pretrain@seed_problems"} | verdicts <= set(
        found
    )
    assert not {stage for stage in found if stage.endswith("@jiuzhang")}


def test_a_row_that_a_teacher_wrote_is_traced_to_its_seed_and_licence(clone):
    written = pl.read_parquet(clone.path / "data/mix/metamath/*.parquet").filter(pl.col("part") == "pretrain")
    questions = written.group_by("input").len()["len"]
    assert questions.max() == 2, "both solutions of a question stay"
    lineage = pl.read_parquet(clone.path / "data/lineage/metamath.parquet")
    held = lineage.filter(pl.col("problem_id").is_in(written["row_id"].implode()))
    for operator in ("answer", "rephrase", "fobar", "self_verification"):
        row_id = held.filter(operator=operator)["problem_id"][0]
        steps = {step.what: step for step in trace(clone.path, row_id)}
        assert steps["lineage"].row["operator"] == operator
        assert steps["lineage"].row["seed_ids"] == [steps["seed"].row["seed_id"]]
        assert (steps["seed"].row["licence"], steps["seed"].row["split"]) == ("Apache-2.0", "train")
        assert steps["training row"].stage == "mix@metamath"
    retold = pl.read_parquet(clone.path / "data/lineage/personamath.parquet").filter(operator="rewritten")
    steps = {step.what: step for step in trace(clone.path, retold["problem_id"][0])}
    assert steps["lineage"].row["variant"] == retold["variant"][0]
    assert steps["seed"].row["licence"] == "Apache-2.0"


def test_profiles_of_other_recipes_are_planned_beside_this_one(clone, altered):
    """Without the memory of a card, which takes half a minute (`tests/graph/test_card_memory.py`)."""
    on_cards = altered.path / "profiles/execution/paper.yaml"
    on_cards.write_text(on_cards.read_text().replace("\ndevice: cuda\n", "\ndevice: cpu\n"))
    embedded, paper = (
        {line.stage for line in plan(altered.path, name).lines} for name in ("embedded", "paper")
    )
    assert {stage.partition("@")[2] for stage in embedded - paper} == {"metamath", "openmathinstruct"}
    assert paper < embedded
    assert not {stage for stage in embedded if "seed_problems" in stage}
    assert plan(clone.path, None).lines == []


def test_why_and_the_ledger_know_every_recipe(clone):
    said = clone.run(sys.executable, "-m", "jz3", "why", "mix")
    for model in MODELS:
        assert f"mix@{model}" in said
    alone = clone.run(sys.executable, "-m", "jz3", "why", "filter@seed_problems")
    assert "filter@jiuzhang" not in alone
    ledger = json.loads(clone.run(sys.executable, "-m", "jz3", "ledger", "--json"))
    for stage in ("execute", "filter", "dedup", "decontaminate", "mix"):
        assert all(ledger[f"{stage}@{recipe}"]["read"] > 0 for recipe in RECIPES)


@pytest.mark.parametrize("stage", ["synthesize@candidates", "synthesize@corpus"])
def test_a_slice_of_a_stage_that_ran_is_filled_already_and_leaves_no_file(clone, stage):
    store = RowStore(Path(clone.environment["JZ3_STORE"]))

    def there():
        files = (clone.path / "data").rglob("*")
        return sum(1 for _ in store.rows(GENERATE)), {file: file.stat().st_mtime_ns for file in files}

    before = there()
    clone.run(sys.executable, "-m", "jz3", "fill", stage, "--slice", "1/2")
    assert there() == before
    assert before[0] > 0


def test_the_ledger_holds_every_stage_and_a_lost_row_is_an_error(altered):
    found = {account.stage: account.rows for account in accounts(altered.path)}
    stages = set(yaml.safe_load((altered.path / "dvc.lock").read_text())["stages"])
    assert set(found) == stages - {"report", "code"}, "which are for people and for DVC, and leave no number"
    file = altered.path / "data/metrics/dedup/jiuzhang.json"
    before = file.read_text()
    kept = found["dedup@jiuzhang"].kept
    file.write_text(before.replace(f'"kept": {kept}', f'"kept": {kept - 1}', 1))
    with pytest.raises(LedgerError, match=r"dedup/jiuzhang\.json: .*accounts for .* at dedup"):
        accounts(altered.path)
    file.write_text(before)


def test_cache_and_row_store_of_a_run_are_whole(clone):
    assert verify(clone.path, "cache").damages == []
    assert damages(RowStore(Path(clone.environment["JZ3_STORE"]))) == []


def test_dvc_shows_metrics_and_plots(clone):
    shown = json.loads(clone.run("dvc", "metrics", "show", "--json"))
    files = shown[""]["data"]
    assert {"data/metrics/tabulate.json", "data/metrics/correctness/jiuzhang.json"} <= set(files)
    assert "data/plots/scores.csv" in clone.run("dvc", "plots", "show", "--json", "data/plots/scores.csv")


def test_a_second_run_runs_nothing(clone):
    assert ran(clone.run("dvc", "repro")) == set()


def test_a_changed_arm_runs_what_follows_of_it_and_the_tables(altered):
    params = altered.path / "params.yaml"
    changed = yaml.safe_load(params.read_text())
    changed["mix"]["rvsyn"]["synthetic"]["rows"] = 20
    params.write_text(yaml.safe_dump(changed))
    of_the_arm = {f"{stage}@rvsyn" for stage in ("mix", "pack", "pretrain", "answer", "grade")}
    assert ran(altered.run(*FORKED_STAGES, "repro")) == of_the_arm | {"card", "tabulate", "report"}
