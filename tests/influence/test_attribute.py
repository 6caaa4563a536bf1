"""Attribution: scores follow the formula, hold however the work is cut, and no row is computed twice."""

import os
import signal
import subprocess
import sys
import time
from operator import mul

import polars as pl
import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from jz3.influence.attribute import ATTRIBUTE, AttributeParams, attribute
from jz3.influence.checkpoints import BASE
from jz3.lm.encode import encode_rows
from jz3.lm.model import load_model, load_tokenizer
from jz3.store.rows import open_store
from jz3.tables.problem import Problem
from jz3.text.training_text import training_input
from tests.conftest import ROOT
from tests.influence.references import execution, problems, targets

ATTRIBUTION = AttributeParams(max_tokens=64, direction="adam", precision="fp32")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))


def scores_of(trained, rows=None, params=ATTRIBUTION, **settings):
    rows = problems() if rows is None else rows
    found = attribute(rows, targets(), trained.checkpoints, params, execution(**settings))
    return found.scores.sort("problem_id", "task")


class OneByOne:
    """A checkpoint as peft opens it, and the gradient of one text at a time."""

    def __init__(self, path, checkpoint):
        base, directory = path / BASE, path / checkpoint.directory
        self.tokenizer = load_tokenizer(base)
        adapted = PeftModel.from_pretrained(load_model(base, "float32"), directory, is_trainable=True)
        self.model = adapted.eval()
        self.weights = {
            name.replace(".default.", "."): weight
            for name, weight in adapted.named_parameters()
            if weight.requires_grad
        }
        self.moments = [
            self.flat(load_file(directory / f"{m}.safetensors")) for m in ("exp_avg", "exp_avg_sq")
        ]

    def flat(self, by_name):
        return torch.cat([by_name[name].flatten() for name in self.weights])

    def gradient(self, question, kind, solution):
        (row,) = encode_rows(self.tokenizer, [training_input(question, kind)], [solution], 64)
        assert row.labels[0] == -100
        assert row.labels[-1] == row.tokens[-1]
        loss = self.model(input_ids=torch.tensor([row.tokens]), labels=torch.tensor([row.labels])).loss
        return self.flat(
            dict(zip(self.weights, torch.autograd.grad(loss, self.weights.values()), strict=True))
        )

    def direction(self, gradient, form, constants):
        """The forms of LESS: of its paper, of its released code; and the plain gradient."""
        beta1, beta2, epsilon = constants
        first = beta1 * self.moments[0] + (1 - beta1) * gradient
        second = beta2 * self.moments[1] + (1 - beta2) * gradient**2
        return {
            "adam": first / (second.sqrt() + epsilon),
            "adam_epsilon_inside": first / (second + epsilon).sqrt(),
            "plain": gradient,
        }[form]


def expected_scores(trained, form):
    """{(problem, task): score} by the formula, from autograd, one text at a time."""
    manifest = trained.checkpoints.manifest()
    constants = (manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon)
    scores: dict[tuple[str, str], float] = {}
    for checkpoint in manifest.checkpoints:
        single = OneByOne(trained.checkpoints.path, checkpoint)
        for task in ("products", "sums"):
            rows = targets().filter(pl.col("task") == task).select("question", "kind", "solution").rows()
            mean = torch.stack([single.gradient(*row) for row in rows]).mean(0)
            for row in problems().iter_rows(named=True):
                gradient = single.gradient(row["problem"], row["kind"], row["solution"])
                direction = single.direction(gradient, form, constants)
                cosine = float(direction @ mean / direction.norm() / mean.norm())
                key = row["problem_id"], task
                scores[key] = scores.get(key, 0.0) + checkpoint.mean_learning_rate * cosine
    return scores


@pytest.mark.parametrize("form", ["adam", "adam_epsilon_inside", "plain"])
@pytest.mark.usefixtures("store")
def test_scores_are_those_of_autograd_one_text_at_a_time_by_the_formula(trained, form):
    params = ATTRIBUTION.model_copy(update={"direction": form})
    found = scores_of(trained, params=params)
    expected = expected_scores(trained, form)
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
def test_a_killed_attribution_goes_on_and_computes_no_batch_twice_beyond_the_one_in_flight(trained, tmp_path):
    """A batch of the store is 5 rows here, two passes; the watch counts rows as each pass ends."""
    seen, result = tmp_path / "seen", tmp_path / "scores.parquet"
    command = [sys.executable, "-c", WATCHED, str(trained.checkpoints.path), str(seen), str(result)]
    environment = os.environ | {"JZ3_STORE": str(tmp_path / "store"), "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen(command, env=environment, cwd=ROOT)
    deadline = time.monotonic() + 120
    while len(seen.read_text().split() if seen.exists() else []) < 7:
        assert killed.poll() is None, "it ended before it was killed"
        assert time.monotonic() < deadline
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    before = sum(map(int, seen.read_text().split()))
    assert not result.exists()
    assert 0 < before < 40
    subprocess.run(command, env=environment, cwd=ROOT, check=True, timeout=120)
    computed = sum(map(int, seen.read_text().split()))
    assert 40 <= computed <= 40 + 5
    found = pl.read_parquet(result).sort("problem_id", "task")
    environment["JZ3_STORE"] = str(tmp_path / "other")
    subprocess.run(
        [*command[:-1], str(tmp_path / "whole")], env=environment, cwd=ROOT, check=True, timeout=120
    )
    assert found.equals(pl.read_parquet(tmp_path / "whole").sort("problem_id", "task"))
