"""Every operation of the row store can be filled in slices, and the slices of a stage leave its own rows."""

import ast
from itertools import compress
from pathlib import Path

import polars as pl
import pytest
import yaml

from jz3.core.artifacts import ArtifactError, Out
from jz3.core.errors import UserError
from jz3.core.graph_file import read_graph
from jz3.core.hashing import content_id
from jz3.core.params import load_params
from jz3.curation.benchmark_hits import HITS
from jz3.generation.chat import CHAT
from jz3.generation.completion_rows import GENERATE
from jz3.graph.fill import FILLED, FillError, fill_stage
from jz3.influence.attribute import ATTRIBUTE
from jz3.influence.rds import RDS
from jz3.influence.sketch import SKETCH
from jz3.sandbox.program_rows import EXECUTE
from jz3.store.row_store import RowStore
from jz3.synthesis.synthesize import Slice
from jz3.tables.item import Item
from jz3.teacher.solve import SolveParams
from tests.conftest import ROOT
from tests.generation.builders import tiny_model
from tests.stage_folder import set_values, stage_folder


def test_each_operation_of_the_store_is_filled_by_some_stage():
    operations = {
        call.args[0].value
        for file in (ROOT / "jz3").rglob("*.py")
        for call in ast.walk(ast.parse(file.read_text()))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Operation"
    }
    assert operations == {
        "attribute",
        "chat",
        "decontaminate",
        "execute",
        "generate",
        "rds",
        "sent",
        "settled",
        "sketch",
        "textless",
    }
    assert operations == set().union(*(filled.operations for filled in FILLED.values()))
    assert FILLED.keys() <= yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].keys()


SLICED = [
    ("distill@initial", CHAT),
    ("augment@metamath", CHAT),
    ("skills@mass", CHAT),
    ("synthesize@candidates", GENERATE),
    ("attribute", ATTRIBUTE),
    ("sketch@reference", SKETCH),
    ("rds@reference", RDS),
    ("execute@jiuzhang", EXECUTE),
    ("decontaminate@jiuzhang", HITS),
    ("answer@jiuzhang", GENERATE),
    ("solve@student", GENERATE),
    ("solve@writer", CHAT),
    ("probe", GENERATE),
]


@pytest.mark.long
def test_slices_leave_the_rows_of_the_whole_stage(whole_run, tmp_path, monkeypatch):
    """All that the stage asks for is there after its slices, and all of it is in the store of the run."""
    clone = whole_run[0]
    for name, operation in SLICED:
        place = tmp_path / name
        monkeypatch.setenv("JZ3_STORE", str(place))
        sizes = []
        for number in (1, 2):
            fill_stage(clone.path, name, Slice(number, 2))
            sizes.append(keys_of(place, operation))
        fill_stage(clone.path, name, Slice(1, 1))
        assert keys_of(place, operation) == sizes[-1], f"{name} asked for more than its slices"
        assert sizes[-1] <= keys_of(clone.environment["JZ3_STORE"], operation), (
            f"slices of {name} ask for more"
        )
        assert sizes[-1], f"{name} asked for nothing: nothing was tested"
        assert name == "decontaminate@jiuzhang" or len(sizes[0]) < len(sizes[-1]), f"{name} was not sliced"


@pytest.mark.long
def test_a_quota_that_depends_on_all_problems_leaves_slices_their_first_draws(
    whole_run, tmp_path, monkeypatch
):
    clone, store = whole_run[0], tmp_path / "store"
    monkeypatch.setenv("JZ3_STORE", str(store))
    stage = read_graph(clone.path).stage("solve@writer")
    params = load_params(SolveParams, stage.section, clone.path / "params.yaml")
    quota = {"form": "prop2diff", "rows": 6, "most_draws": 12}
    errs = {
        "solver.teacher.model": "jz3-writer-2",
        **{f"quota.{name}": value for name, value in quota.items()},
    }
    stage_folder(tmp_path, params={f"{stage.section}.{name}": value for name, value in errs.items()})
    for flag in ("problems", "model", "prompts"):
        path = tmp_path / stage.path(flag)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(clone.path / stage.path(flag))
    fill_stage(tmp_path, "solve@writer", Slice(1, 1))
    asked = pl.read_parquet(clone.path / stage.path("problems") / "*.parquet").height
    assert len(keys_of(store, CHAT)) == asked * params.draws


def test_a_slice_of_probe_leaves_out_the_benchmarks_whose_items_are_in_others(tmp_path, monkeypatch):
    """But one that has no item in any of them is refused, as by the stage."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    stage_folder(tmp_path, params={"probe.benchmarks": ["a", "b"]})
    tiny_model(tmp_path / "data/models/base/final")
    first, second = Slice(1, 2), Slice(2, 2)
    ids = {"a": item_in(first, "a"), "b": item_in(second, "b")}
    item = {"revision": "1", "choices": None, "gold": "1", "subject": None, "level": None}
    question = "By {}: what is the sum of 17 and 25 less 3?"
    rows = [
        item | {"item_id": item_id, "benchmark": name, "question": question.format(name)}
        for name, item_id in ids.items()
    ]
    (tmp_path / "data/tasks").mkdir()
    table = Item.cast(pl.DataFrame(rows, schema=Item.create_empty().schema))
    Out(Item, tmp_path / "data/tasks/items.parquet").write(table)
    fill_stage(tmp_path, "probe", first)
    of_first = keys_of(tmp_path / "store", GENERATE)
    fill_stage(tmp_path, "probe", second)
    assert (len(of_first), len(keys_of(tmp_path / "store", GENERATE))) == (1, 2)
    set_values(tmp_path / "params.yaml", {"probe.benchmarks": ["a", "b", "mistyped"]})
    with pytest.raises(UserError, match=r"probe\.benchmarks names mistyped, which has no item"):
        fill_stage(tmp_path, "probe", second)


def item_in(part, benchmark):
    """An id that the slice has."""
    ids = [f"{benchmark}/{number}" for number in range(99)]
    return next(compress(ids, part.holds(pl.Series(map(content_id, ids)))))


def keys_of(place, operation):
    return {row.key for row in RowStore(Path(place)).rows(operation)}


@pytest.mark.parametrize("stage", ["distill@initial", "solve@writer"])
def test_a_stage_that_asks_teachers_is_not_filled_in_slices_under_a_cap(tmp_path, stage):
    stage_folder(tmp_path, params={"budget.teacher_tokens": 1_000})
    with pytest.raises(FillError, match=rf"budget.teacher_tokens .* caps .* {stage} over all slices"):
        fill_stage(tmp_path, stage, Slice(1, 2))


def test_a_solver_that_is_a_model_is_filled_in_slices_under_a_cap(tmp_path):
    stage_folder(tmp_path, params={"budget.teacher_tokens": 1_000})
    with pytest.raises(ArtifactError, match="seed_problems"):  # the cap is no matter, the missing table is
        fill_stage(tmp_path, "solve@student", Slice(1, 2))


def test_a_recipe_that_asks_across_its_passages_is_not_filled_in_slices(tmp_path):
    stage_folder(tmp_path)
    with pytest.raises(
        FillError, match=r"augment@synthllm asks across its passages .* no slice knows its part"
    ):
        fill_stage(tmp_path, "augment@synthllm", Slice(1, 2))
