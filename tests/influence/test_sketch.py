"""Laws of the sketches, and scores of later targets from them, near those of `attribute`.

If they fail, a sketch is of another direction, or two sketches do not belong together.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from jz3.cli.main import app
from jz3.core.artifacts import In, InDir, Out
from jz3.core.errors import UserError
from jz3.influence.attribute import AttributeParams, attribute
from jz3.influence.countsketch import count_sketch, reference_sketch, sketch_directions
from jz3.influence.directions import DIRECTIONS, AdamConstants
from jz3.influence.gradients import cut_batches
from jz3.influence.sketch import SKETCH, SketchParams, sketch
from jz3.influence.sketch_scores import sketch_scores
from jz3.store.row_store import open_store
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.sketch import Sketch
from jz3.tables.target import Target
from jz3.tables.value import Value
from tests.conftest import ROOT
from tests.influence.references import execution, problems, targets
from tests.influence.tiny import merged, some_rows
from tests.stage_folder import stage_folder

PARAMS = SketchParams(share=1.0, size=4096, seed=0, max_tokens=64, direction="adam", precision="fp32")
LENGTHS = {("layer", "A"): 150, ("layer", "B"): 83, ("other", "A"): 20}
WIDTH = sum(LENGTHS.values())


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def sketched(vectors, size, seed):
    """[rows, size] of vectors [rows, WIDTH]."""
    made = count_sketch(LENGTHS, size, seed, "cpu")
    found = torch.zeros(len(vectors), size)
    pieces = vectors.split(list(LENGTHS.values()), dim=1)
    for weights, piece in zip(LENGTHS, pieces, strict=True):
        made.add(found, weights, piece)
    return found


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31), size=st.integers(1, 400))
def test_the_sketch_of_a_sum_is_the_sum_of_the_sketches(seed, size):
    """In integers, where float32 adds exactly."""
    generator = torch.Generator().manual_seed(seed)
    one, two = torch.randint(-99, 100, (2, 1, WIDTH), generator=generator).float()
    assert torch.equal(sketched(one + two, size, seed), sketched(one, size, seed) + sketched(two, size, seed))
    assert torch.equal(sketched(3 * one, size, seed), 3 * sketched(one, size, seed))


def test_the_inner_product_of_sketches_is_that_of_the_vectors_on_the_mean_over_seeds():
    size, seeds = 32, 1500
    vectors = torch.randn(2, WIDTH, generator=torch.Generator().manual_seed(1)) + 0.3
    vectors /= vectors.norm(dim=1, keepdim=True)
    exact = float(vectors[0] @ vectors[1])
    found = torch.tensor([float(torch.dot(*sketched(vectors, size, seed))) for seed in range(seeds)])
    deviation = float(found.std())
    assert deviation == pytest.approx(((1 + exact**2) / size) ** 0.5, rel=0.15)
    assert float(found.mean()) == pytest.approx(exact, abs=4 * deviation / seeds**0.5)


def test_signs_and_rolls_are_the_same_on_every_machine():
    made = count_sketch({("layer", "A"): 12}, 5, 7, "cpu")
    assert made.rolls == {("layer", "A"): [4, 3, 1]}
    assert made.signs["layer", "A"].tolist() == [
        -1.0,
        -1.0,
        -1.0,
        1.0,
        1.0,
        -1.0,
        -1.0,
        1.0,
        -1.0,
        -1.0,
        1.0,
        -1.0,
    ]


def test_no_sketch_depends_on_batch_size_order_or_padding():
    reference, rows = merged("llama"), some_rows(9)
    made = reference_sketch(reference, 64, 0)
    constants = AdamConstants(0.9, 0.999, 1e-8)

    def found(ordered, padded_tokens):
        return torch.cat(
            [
                sketch_directions(reference, made, DIRECTIONS["adam"], constants, batch).sketches_BS
                for batch in cut_batches(ordered, padded_tokens)
            ]
        )

    one_by_one = found(rows, 1)
    assert float(one_by_one.std(0).mean()) > 1e-3
    for padded_tokens in (90, 1000):
        assert torch.allclose(found(rows[::-1], padded_tokens).flip(0), one_by_one, atol=1e-5)


def written_sketches(trained, path, rows=None, params=PARAMS, **settings):
    """The sketches as the stage writes them."""
    made = sketch(problems() if rows is None else rows, trained.checkpoints, params, execution(**settings))
    Out(Sketch, path).sink(made.frames, made.facts)
    return In(Sketch, path), made.metrics


@pytest.mark.parametrize("direction", ["adam", "plain"])
@pytest.mark.usefixtures("store")
def test_scores_of_later_targets_are_near_those_of_attribute(trained, tmp_path, direction):
    params = PARAMS.model_copy(update={"direction": direction})
    sketches, metrics = written_sketches(trained, tmp_path / "sketches", params=params)
    assert metrics.rows.kept == 20
    passed = len(list(open_store().rows(SKETCH)))
    found = sketch_scores(sketches, targets(), trained.checkpoints, execution()).sort("problem_id", "task")
    assert len(list(open_store().rows(SKETCH))) == passed == 40
    exactly = AttributeParams(max_tokens=64, direction=direction, precision="fp32")
    exact = attribute(problems(), targets(), trained.checkpoints, exactly, execution()).scores
    exact = exact.sort("problem_id", "task")
    assert found.select("problem_id", "task", "solution_tokens").equals(
        exact.select("problem_id", "task", "solution_tokens")
    )
    assert found["loss"].to_list() == pytest.approx(exact["loss"].to_list(), abs=1e-5)
    errors = (found["cosines"].explode() - exact["cosines"].explode()).abs()
    assert 0 < errors.max() < 4 / PARAMS.size**0.5
    both = pl.DataFrame({"found": found["score"], "exact": exact["score"]})
    assert both.select(pl.corr("found", "exact", method="spearman")).item() > 0.95


@pytest.mark.usefixtures("store")
def test_a_larger_share_keeps_the_sketches_of_a_smaller_one(trained, tmp_path):
    half = PARAMS.model_copy(update={"share": 0.5})
    fewer, metrics = written_sketches(trained, tmp_path / "half", params=half)
    assert metrics.rows.rejected == {"sketch.not_drawn": 10}
    assert len(list(open_store().rows(SKETCH))) == 20
    whole, _ = written_sketches(trained, tmp_path / "whole")
    assert len(list(open_store().rows(SKETCH))) == 40
    kept = whole.read().join(fewer.read(), on=["checkpoint", "problem_id"], how="semi")
    assert kept.equals(fewer.read())


@pytest.mark.usefixtures("store")
def test_no_share_leaves_an_empty_table_and_no_scores(trained, tmp_path):
    none = PARAMS.model_copy(update={"share": 0.0})
    sketches, metrics = written_sketches(trained, tmp_path / "none", params=none)
    assert metrics.rows.kept == sketches.rows() == 0
    assert sketch_scores(sketches, targets(), trained.checkpoints, execution()).height == 0


@pytest.mark.usefixtures("store")
def test_batch_size_moves_a_sketch_by_rounding_alone(trained, tmp_path, monkeypatch):
    one, _ = written_sketches(trained, tmp_path / "one", training_batch=1, generation_commit=3)
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "other"))
    other, _ = written_sketches(trained, tmp_path / "another")
    numbers = [
        torch.frombuffer(bytearray(b"".join(table.read()["halves"])), dtype=torch.float16).float()
        for table in (one, other)
    ]
    assert torch.allclose(*numbers, rtol=2**-10, atol=1e-5)


@pytest.mark.usefixtures("store")
def test_sketches_of_other_checkpoints_are_refused(trained, tmp_path):
    sketches, _ = written_sketches(trained, tmp_path / "sketches")
    other = tmp_path / "other"
    shutil.copytree(trained.checkpoints.path, other)
    (other / "epoch-2" / "exp_avg.safetensors").write_bytes(b"another")
    with pytest.raises(UserError, match="made at other checkpoints"):
        sketch_scores(sketches, targets(), InDir(CheckpointsManifest, other), execution())


@pytest.mark.usefixtures("store")
def test_the_command_scores_a_table_of_targets(trained, tmp_path, monkeypatch):
    clone = stage_folder(tmp_path / "clone")
    written_sketches(trained, clone / "data/influence/sketches/reference")
    shutil.copytree(trained.checkpoints.path, clone / "data/models/reference")
    Out(Target, clone / "later.parquet").write(targets())
    monkeypatch.chdir(clone)
    asked = ["influence", "later.parquet", "scores.parquet", "--values", "values.parquet"]
    done = CliRunner().invoke(app, asked)
    assert (done.exit_code, done.stdout) == (0, "20 problems for products, sums: scores.parquet\n")
    scores, values = pl.read_parquet("scores.parquet"), In(Value, Path("values.parquet")).read()
    assert (scores.height, values.height) == (40, 20)
    best = scores.group_by("problem_id").agg(pl.col("score").max())
    assert values["value"].to_list() == best.sort("problem_id")["score"].to_list()


KILLED = """
import os, signal, sys
from pathlib import Path
from jz3.core.artifacts import InDir
from jz3.influence.countsketch import sketch_directions
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from tests.influence.references import Trained
from tests.influence.test_sketch import written_sketches

passes = []

def watch(frame, event, argument):
    if event == "return" and frame.f_code is sketch_directions.__code__:
        passes.append(frame)
        if len(passes) == 7:
            os.kill(os.getpid(), signal.SIGKILL)

checkpoints, path = map(Path, sys.argv[1:])
sys.setprofile(watch)
trained = Trained(checkpoints, InDir(CheckpointsManifest, checkpoints))
written_sketches(trained, path, generation_commit=5)
"""


@pytest.mark.long
def test_a_killed_run_goes_on_and_leaves_the_same_bytes(trained, tmp_path, monkeypatch):
    environment = os.environ | {"JZ3_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", KILLED, str(trained.checkpoints.path), str(tmp_path / "killed")]
    assert subprocess.run(command, env=environment, cwd=ROOT).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed").exists()
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    assert 0 < len(list(open_store().rows(SKETCH))) < 40
    written_sketches(trained, tmp_path / "killed", generation_commit=5)
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "other"))
    written_sketches(trained, tmp_path / "whole", generation_commit=5)
    files = [sorted((tmp_path / name).iterdir()) for name in ("killed", "whole")]
    assert [file.name for file in files[0]] == [file.name for file in files[1]]
    assert all(one.read_bytes() == other.read_bytes() for one, other in zip(*files, strict=True))


def test_where_nothing_is_sketched_the_command_says_what_to_write(tmp_path, monkeypatch):
    stage_folder(tmp_path, profile=None)
    Out(Target, tmp_path / "later.parquet").write(targets())
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["influence", "later.parquet", "scores.parquet"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "`sketched`: none; one was expected. Write [reference] there" in done.stderr
