"""The whole graph on the test profile: every row is accounted for from passage to grade, a second run runs
nothing, and a changed parameter runs what follows from it and nothing else.
"""

import json
import re

import polars as pl
import pytest
import yaml

from tests.conftest import ROOT


@pytest.fixture(scope="module")
def clone(whole_run):
    return whole_run[0]


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


def test_no_row_is_lost_between_stages(metrics):
    prompts = {name: metrics[f"compose/{name}"]["prompts"] for name in ("initial", "candidates", "corpus")}
    assert rows(metrics, "distill/initial")["read"] == prompts["initial"]
    assert rows(metrics, "select")["read"] == prompts["initial"] + prompts["candidates"]
    assert rows(metrics, "distill/boosted")["read"] == rows(metrics, "select")["kept"] > prompts["initial"]
    for name in ("initial", "boosted"):
        assert rows(metrics, f"finetune/{name}")["read"] == rows(metrics, f"distill/{name}")["kept"]
    for name in ("candidates", "corpus"):
        assert rows(metrics, f"synthesize/{name}")["read"] == prompts[name]
        assert rows(metrics, f"parse/{name}")["read"] == rows(metrics, f"synthesize/{name}")["kept"]
    problems = rows(metrics, "parse/corpus")["kept"]
    assert problems > 0
    for stage in ("execute", "filter", "decontaminate/synthetic"):
        assert rows(metrics, stage)["read"] == problems
    assert rows(metrics, "dedup")["read"] <= min(rows(metrics, s)["kept"] for s in ("execute", "filter"))
    instructions = rows(metrics, "decontaminate/instruction")["read"]
    for model in ("jiuzhang", "instruct_only"):
        assert rows(metrics, f"mix/{model}")["read"] == problems + instructions
        assert rows(metrics, f"pack/{model}")["read"] == rows(metrics, f"mix/{model}")["kept"]
        assert rows(metrics, f"grade/{model}")["read"] == rows(metrics, f"answer/{model}")["kept"] > 0


def test_only_the_real_difference_lies_between_the_models(clone):
    parts = {
        model: set(pl.read_parquet(clone.path / "data/mix" / model / "*.parquet")["part"].unique())
        for model in ("jiuzhang", "instruct_only")
    }
    assert parts == {"jiuzhang": {"pretrain", "instruction"}, "instruct_only": {"instruction"}}


def test_the_tables_and_the_report_are_there_for_people(clone):
    assert "jiuzhang" in (clone.path / "data/tables/pages/summary.md").read_text()
    assert (clone.path / "data/report/index.html").stat().st_size > 10_000


def test_dvc_shows_metrics_and_plots(clone):
    shown = json.loads(clone.run("dvc", "metrics", "show", "--json"))
    files = shown[""]["data"]
    assert {"data/metrics/tabulate.json", "data/metrics/report.json"} <= set(files)
    assert "data/plots/scores.csv" in clone.run("dvc", "plots", "show", "--json", "data/plots/scores.csv")


def test_a_second_run_runs_nothing(clone):
    assert ran(clone.run("dvc", "repro")) == set()


def test_a_changed_curation_parameter_runs_what_follows_and_nothing_before(clone):
    params = clone.path / "params.yaml"
    before = params.read_text()
    assert yaml.safe_load(before)["decontaminate"]["ngram"] == 13
    params.write_text(before.replace("  ngram: 13", "  ngram: 12"))
    changed = ran(clone.run("dvc", "repro"))
    assert {"decontaminate@synthetic", "decontaminate@instruction"} <= changed
    follows = {"decontaminate", "mix", "pack", "pretrain", "answer", "grade", "tabulate", "report"}
    assert {stage.partition("@")[0] for stage in changed} <= follows
    params.write_text(before)
    assert ran(clone.run("dvc", "repro")) == set(), "what was there before comes back from the run cache"
