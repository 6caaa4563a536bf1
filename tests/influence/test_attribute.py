"""Attribution: scores follow the formula, do not depend on how the work is cut, and no row is
computed twice.
"""

import os
import signal
import subprocess
import sys
import time
from operator import mul

import polars as pl
import pytest

from jz3.core.artifacts import InDir, OutDir
from jz3.influence.attribute import ATTRIBUTE, AttributeParams, attribute
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import FullParams
from jz3.lm.lora import LoraParams
from jz3.lm.schedule import WarmupCosine
from jz3.lm.tokenizer import train_tokenizer
from jz3.store.row_store import open_store
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.training.base import ConfigModel, build
from tests.conftest import ROOT
from tests.influence.one_by_one import expected_scores
from tests.influence.references import (
    OPTIMIZER,
    WARMUP,
    execution,
    problems,
    targets,
    written,
    written_targets,
)

ATTRIBUTION = AttributeParams(max_tokens=64, direction="adam", precision="fp32")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def scores_of(trained, rows=None, params=ATTRIBUTION, **settings):
    rows = problems() if rows is None else rows
    found = attribute(rows, targets(), trained.checkpoints, params, execution(**settings))
    return found.scores.sort("problem_id", "task")


@pytest.mark.parametrize("form", ["adam", "adam_epsilon_inside", "plain"])
@pytest.mark.usefixtures("store")
def test_scores_are_those_of_autograd_one_text_at_a_time_by_the_formula(trained, form):
    params = ATTRIBUTION.model_copy(update={"direction": form})
    found = scores_of(trained, params=params)
    expected = expected_scores(trained.checkpoints, problems(), targets(), form)
    rates = sum(checkpoint.mean_learning_rate for checkpoint in trained.checkpoints.manifest().checkpoints)
    for row in found.iter_rows(named=True):
        assert row["score"] == pytest.approx(expected[row["problem_id"], row["task"]], abs=1e-5 * rates)
    assert found.height == len(expected) == 40


@pytest.mark.usefixtures("store")
def test_scores_do_not_depend_on_how_the_work_is_cut(trained, tmp_path, monkeypatch):
    expected = scores_of(trained)
    assert expected.height == 40
    assert expected["score"].std() > 1e-4
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "other"))
    found = scores_of(trained, training_batch=1, generation_commit=3)
    assert found["score"].to_list() == pytest.approx(expected["score"].to_list(), abs=1e-6)


@pytest.fixture(scope="session")
def learned(tmp_path_factory):
    """A reference that has read 200 problems of the writer three times: far enough for values to differ."""
    root = tmp_path_factory.mktemp("learned")
    rows = written(200, 10**5)
    texts = pl.Series([f"{row['problem']} {row['solution']}" for row in rows.iter_rows(named=True)])
    shape = {"hidden_size": 64, "layers": 2, "heads": 2, "mlp": 128, "max_positions": 400}
    build(
        ConfigModel(kind="config", seed=0, training=None, **shape), train_tokenizer(texts, 500), root / "base"
    )
    optimizer = OPTIMIZER.model_copy(update={"learning_rate": 5e-3})
    params = WARMUP.model_copy(
        update={
            "share": 1.0,
            "block_length": 400,
            "batch_tokens": 1600,
            "pretrain": FullParams(epochs=3, schedule=WarmupCosine(warm_up=0.03), optimizer=optimizer),
            "epochs": 1,
            "adapter": LoraParams(rank=4, alpha=8, dropout=0.0, targets=["q_proj", "v_proj", "down_proj"]),
            "optimizer": optimizer,
        }
    )
    with OutDir(CheckpointsManifest, root / "reference").open() as directory:
        warmup(rows, root / "base", directory, params, execution())
    return InDir(CheckpointsManifest, root / "reference")


@pytest.mark.parametrize("form", ["adam", "plain"])
@pytest.mark.usefixtures("store")
def test_bf16_ranks_problems_as_unprojected_fp32_cosines_do(learned, form):
    """The selections agree except for a few places at the border; the truth is autograd, one by one."""
    rows, wanted = written(120), written_targets(8)
    params = AttributeParams(max_tokens=400, direction=form, precision="bf16")
    found = attribute(rows, wanted, learned, params, execution(training_batch=8)).scores
    exact = expected_scores(learned, rows, wanted, form)
    pairs = found.with_columns(
        exact=pl.Series([exact[key] for key in found.select("problem_id", "task").iter_rows()])
    )
    values = pairs.group_by("problem_id").agg(pl.col("score").max(), pl.col("exact").max())
    assert values.height == 120
    assert values.select(pl.corr("score", "exact", method="spearman")).item() >= 0.999
    best = [set(values.top_k(12, by=column)["problem_id"]) for column in ("score", "exact")]
    assert len(best[0] & best[1]) / 12 >= 0.95


@pytest.mark.usefixtures("store")
def test_a_score_is_the_sum_of_learning_rate_times_cosine_over_the_checkpoints(trained):
    rates = [checkpoint.mean_learning_rate for checkpoint in trained.checkpoints.manifest().checkpoints]
    assert len(set(rates)) > 1
    for score, cosines in scores_of(trained).select("score", "cosines").iter_rows():
        assert score == pytest.approx(sum(map(mul, rates, cosines)), rel=1e-12)


@pytest.mark.usefixtures("store")
def test_more_problems_cost_the_new_ones_alone_and_move_no_score(trained):
    fewer = problems(12)
    before = scores_of(trained, fewer)
    assert len(list(open_store().rows(ATTRIBUTE))) == 24
    after = scores_of(trained)
    assert len(list(open_store().rows(ATTRIBUTE))) == 40
    assert after.join(fewer, on="problem_id", how="semi").equals(before)
    assert scores_of(trained).equals(after)


@pytest.mark.usefixtures("store")
def test_too_long_problems_are_rejected_by_a_rule(trained):
    rows = problems()
    long = rows.with_columns(
        solution=pl.when(pl.col("problem_id") == "c03").then(pl.lit("so " * 90)).otherwise("solution")
    )
    found = attribute(Problem.validate(long), targets(), trained.checkpoints, ATTRIBUTION, execution())
    assert found.metrics.rows.rejected == {"attribute.too_long": 1}
    assert set(rows["problem_id"]) - set(found.scores["problem_id"]) == {"c03"}


WATCHED = """
import os, sys
from pathlib import Path
import peft, torch, transformers.models.llama.modeling_llama  # before each call is watched
from jz3.core.artifacts import InDir
from jz3.influence.attribute import attribute
from jz3.influence.similarity import similarities
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from tests.influence.references import execution, problems, targets
from tests.influence.test_attribute import ATTRIBUTION

checkpoints, seen, result = map(Path, sys.argv[1:])
log = os.open(seen, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

def watch(frame, event, argument):
    if event == "return" and frame.f_code is similarities.__code__:
        os.write(log, f"{len(frame.f_locals['rows'])}\\n".encode())

sys.setprofile(watch)
found = attribute(problems(), targets(), InDir(CheckpointsManifest, checkpoints), ATTRIBUTION, execution())
found.scores.write_parquet(result)
"""


@pytest.mark.long
def test_a_killed_attribution_goes_on_and_computes_no_batch_twice_beyond_the_one_in_flight(
    trained, tmp_path, monkeypatch
):
    """A batch of the store has 5 rows here, two passes; the watch counts rows as each pass ends."""
    seen, result = tmp_path / "seen", tmp_path / "scores.parquet"
    command = [sys.executable, "-c", WATCHED, str(trained.checkpoints.path), str(seen), str(result)]
    environment = os.environ | {"JZ3_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen(command, env=environment, cwd=ROOT)
    deadline = time.monotonic() + 120
    while len(seen.read_text().split() if seen.exists() else []) < 7:
        assert killed.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    before = sum(map(int, seen.read_text().split()))
    assert not result.exists()
    assert 0 < before < 40
    subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=120)
    computed = sum(map(int, seen.read_text().split()))
    assert 40 <= computed <= 40 + 5
    found = pl.read_parquet(result).sort("problem_id", "task")
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "other"))
    assert found.equals(scores_of(trained))
