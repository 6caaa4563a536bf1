"""The compute behind an arm is the sum over the stages that its training set depends on, and no others."""

import json

import polars as pl
import pytest

from jz3.core.graph_file import Graph, Stage
from jz3.core.whole_run import Took, leave, took
from jz3.graph.compute import PARTS, ComputeError, as_json, compute, compute_of, table_of
from tests.conftest import ROOT, make_clone

AFTER = {"answer", "grade", "probe", "tabulate", "report", "card"}


def stage(name, reads, outs):
    return Stage(name, "", {}, frozenset(reads), frozenset(outs), frozenset(outs))


GRAPH = Graph(
    (
        stage("sample", (), ("passages",)),
        stage("base", (), ("base",)),
        stage("distill@initial", ("passages",), ("kd",)),
        stage("select@boosted", ("passages",), ("ranking",)),
        stage("synthesize@corpus", ("kd", "base", "ranking"), ("texts",)),
        stage("augment@meta", (), ("meta",)),
        stage("filter@texts", ("texts",), ("kept",)),
        stage("mix@texts", ("kept",), ("mix",)),
        stage("mix@meta", ("meta",), ("mix_meta",)),
        stage("mix@none", ("kept",), ("mix_none",)),
        stage("pack@texts", ("mix",), ("blocks",)),
        stage("pack@meta", ("mix_meta",), ("blocks_meta",)),
        stage("pack@none", ("mix_none",), ("blocks_none",)),
        stage("pretrain@texts", ("blocks",), ("model",)),
    )
)
KNOWN = {one.name: Took(2.0**place, 3 * 2.0**place) for place, one in enumerate(GRAPH.stages)}
"""Sums of powers of two show which stages are in them."""


def walls(one):
    return {part: seconds.wall for part, seconds in one.parts.items()}


def test_each_stage_above_a_set_counts_once_in_its_part():
    texts, meta, none = compute_of(GRAPH, {"texts": 5, "meta": 3, "none": 0}, KNOWN)
    assert walls(texts) == {
        "before": 1 + 2,
        "generation": 4 + 16,
        "selection": 8,
        "curation": 64 + 128 + 1024,
    }
    assert walls(meta) == {"before": 0, "generation": 32, "selection": 0, "curation": 256 + 2048}
    assert walls(none) == {"before": 0, "generation": 0, "selection": 0, "curation": 512 + 4096}
    assert texts.of_its_own == Took(20 + 8 + 1216, 3 * (20 + 8 + 1216))
    assert not texts.not_known


def test_what_did_not_run_here_is_named_and_not_guessed():
    known = {name: seconds for name, seconds in KNOWN.items() if name != "distill@initial"}
    (texts,) = compute_of(GRAPH, {"texts": 5}, known)
    assert texts.not_known == ("distill@initial",)
    assert walls(texts)["generation"] == 16
    assert table_of([texts]).rows[0][-1] == "distill@initial"
    assert json.loads(as_json([texts]))["texts"]["generation"] == {"wall": 16.0, "cpu": 48.0}


def test_seconds_are_rounded_to_tenths_for_scripts():
    found = compute_of(GRAPH, {"texts": 5}, {"pack@texts": Took(0.26, 1.34)})
    assert json.loads(as_json(found))["texts"]["curation"] == {"wall": 0.3, "cpu": 1.3}


def test_every_stage_that_a_set_can_rest_on_is_of_one_part():
    stages = {file.stem for file in (ROOT / "stages").glob("*.py")} - {"__init__"}
    parted = [name for names in PARTS.values() for name in names]
    assert sorted(parted) == sorted(stages - AFTER)


def test_the_seconds_of_a_clone_are_those_of_its_last_runs(tmp_path):
    clone = make_clone(tmp_path / "clone", "embedded")
    with pytest.raises(ComputeError, match="Run `dvc repro tabulate`"):
        compute(clone.path)
    table = clone.path / "data/tables/arms.parquet"
    table.parent.mkdir(exist_ok=True)
    arms = {"set": ["jiuzhang", "jiuzhang", "instruct_only"], "synthetic_rows": [9, 9, 0]}
    pl.DataFrame(arms).write_parquet(table)
    for seconds in (9.0, 5.0):
        leave("mix@jiuzhang", seconds, 2 * seconds, clone.path)
    leave("warmup", 60.0, 100.0, clone.path)
    assert took(clone.path) == {"mix@jiuzhang": Took(5.0, 10.0), "warmup": Took(60.0, 100.0)}
    instruct, jiuzhang = compute(clone.path)
    assert (instruct.arm, walls(instruct)["curation"], walls(instruct)["selection"]) == (
        "instruct_only",
        0,
        0,
    )
    assert (walls(jiuzhang)["curation"], walls(jiuzhang)["selection"]) == (5, 60)
    assert {"ingest@web", "distill@initial", "pack@jiuzhang"} <= set(jiuzhang.not_known)
