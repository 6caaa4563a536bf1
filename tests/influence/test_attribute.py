"""Warm-up and attribution: checkpoints open as they were, scores hold, no row is computed twice."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest
import torch
from peft import PeftModel

from jz3.core.artifacts import InDir, OutDir
from jz3.core.execution import Execution
from jz3.core.hashing import files_digest
from jz3.influence.attribute import ATTRIBUTE, AttributeParams, attribute
from jz3.influence.checkpoints import BASE, open_checkpoint
from jz3.influence.warmup import AdapterParams, PretrainParams, WarmupParams, draw, warmup
from jz3.lm.base import ConfigModel, build
from jz3.lm.model import load_model
from jz3.lm.schedule import WarmupStableDecay
from jz3.lm.tokenizer import train_tokenizer
from jz3.lm.train import OptimizerParams
from jz3.store.rows import open_store
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target

OPTIMIZER = OptimizerParams(
    learning_rate=1e-2,
    weight_decay=0.0,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    gradient_clip=1.0,
    precision="fp32",
)
WARMUP = WarmupParams(
    share=0.7,
    seed=3,
    block_length=64,
    batch_tokens=256,
    pretrain=PretrainParams(epochs=1, optimizer=OPTIMIZER),
    epochs=2,
    adapter=AdapterParams(rank=2, alpha=4, dropout=0.1, targets=["q_proj", "down_proj"]),
    schedule=WarmupStableDecay(warm_up=0.03, stable=0.03, floor=0.0),
    optimizer=OPTIMIZER,
)
ATTRIBUTION = AttributeParams(max_tokens=64, direction="adam", precision="fp32")


def execution(training_batch=4, generation_commit=5):
    return Execution(
        device="cpu", threads=1, workers=1, ranks=1, generation_batch=1, generation_commit=generation_commit,
        training_batch=training_batch, teacher="call", concurrency=1, requests_per_minute=1,
        tokens_per_minute=1, timeout_s=1, retries=0, budget_usd=None, prices={}, sandbox=1, sandbox_workers=1,
    )  # fmt: skip


def problems(count=20):
    rows = [
        {
            "problem_id": f"c{i:02}",
            "source": "web",
            "kind": "tool" if i % 4 == 0 else "cot",
            "problem": f"What is {i} plus {2 * i}?",
            "solution": f"Adding {i} and {2 * i} " + "slowly " * (i % 5) + f"gives {3 * i}.",
        }
        for i in range(count)
    ]
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


def targets():
    rows = [
        {
            "target_id": f"t{i}",
            "task": ["sums", "products"][i % 2],
            "kind": "cot",
            "question": f"What is {i} {['plus', 'times'][i % 2]} 7?",
            "solution": f"It is {[i + 7, i * 7][i % 2]}.",
        }
        for i in range(6)
    ]
    return Target.validate(pl.DataFrame(rows, schema=Target.create_empty().schema))


@dataclass(frozen=True)
class Trained:
    base: Path
    checkpoints: InDir[CheckpointsManifest]


def train_reference(base: Path, path: Path):
    with OutDir(CheckpointsManifest, path).open() as directory:
        warmed_up = warmup(problems(), base, directory, WARMUP, execution())
    return warmed_up, InDir(CheckpointsManifest, path)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    root = tmp_path_factory.mktemp("reference")
    texts = [text for row in problems().iter_rows(named=True) for text in (row["problem"], row["solution"])]
    shape = {"hidden_size": 24, "layers": 2, "heads": 2, "mlp": 48, "seed": 0, "max_positions": 64}
    build(ConfigModel(kind="config", **shape), train_tokenizer(pl.Series(texts), 300), root / "base")
    _, checkpoints = train_reference(root / "base", root / "reference")
    return Trained(root / "base", checkpoints)


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def scores_of(trained, rows=None, params=ATTRIBUTION, **settings):
    rows = problems() if rows is None else rows
    found = attribute(rows, targets(), trained.checkpoints, params, execution(**settings))
    return found.scores.sort("problem_id", "task")


def test_the_same_problems_give_the_same_bytes(trained, tmp_path):
    warmed_up, again = train_reference(trained.base, tmp_path / "again")
    digests = [files_digest(d.path.rglob("*.*"), d.path) for d in (trained.checkpoints, again)]
    assert digests[0] == digests[1]
    assert warmed_up.metrics.rows.kept == 14
    assert warmed_up.metrics.rows.rejected == {"warmup.not_drawn": 6}
    assert warmed_up.loss["step"].to_list() == list(range(1, warmed_up.loss.height + 1))
    assert warmed_up.loss["tokens"].is_sorted()


def test_an_opened_checkpoint_computes_what_peft_computes(trained):
    manifest, path = trained.checkpoints.manifest(), trained.checkpoints.path
    tokens = torch.tensor([[5, 6, 7, 8, 9]])
    plain = load_model(path / BASE, "float32")(input_ids=tokens).logits
    seen = []
    for checkpoint in manifest.checkpoints:
        reference = open_checkpoint(path / BASE, path / checkpoint.directory, "fp32", "cpu")
        adapted = PeftModel.from_pretrained(load_model(path / BASE, "float32"), path / checkpoint.directory)
        merged = reference.model(input_ids=tokens).logits
        assert torch.allclose(merged, adapted(input_ids=tokens).logits, atol=1e-5)
        assert not torch.allclose(merged, plain, atol=1e-4)
        assert all(float(moments.second_D.sum()) > 0 for moments in reference.moments.values())
        seen.append(merged)
    assert len(seen) == 2
    assert not torch.equal(*seen)
    assert len(reference.layers) == 4
    assert manifest.checkpoints[0].mean_learning_rate > manifest.checkpoints[1].mean_learning_rate > 0


@pytest.mark.usefixtures("store")
def test_scores_do_not_depend_on_how_the_work_is_cut(trained, tmp_path, monkeypatch):
    expected = scores_of(trained)
    assert expected.height == 40
    assert expected["score"].std() > 1e-4
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "other"))
    found = scores_of(trained, training_batch=1, generation_commit=3)
    assert found["score"].to_list() == pytest.approx(expected["score"].to_list(), abs=1e-6)


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


def test_a_larger_share_keeps_the_problems_of_a_smaller_one():
    ids = [set(draw(problems(), share, 0)["problem_id"]) for share in (0.001, 0.2, 0.5, 1.0)]
    assert [len(drawn) for drawn in ids] == [1, 4, 10, 20]
    assert ids[0] < ids[1] < ids[2] < ids[3]
    assert set(draw(problems(), 0.5, 1)["problem_id"]) != ids[2]
