"""Fine-tuning: its rows are what synthesis will read and write, and every problem is accounted for."""

import json

import polars as pl
import pytest
import torch
from safetensors.torch import load_file

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.lm.model import load_model, load_tokenizer, model_digest
from jz3.lm.schedule import WarmupCosine
from jz3.lm.tokenizer import train_tokenizer
from jz3.tables.model_manifest import ModelManifest
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.text.problem_text import ParsedProblem, read_completion
from jz3.training.base import ConfigModel, build
from jz3.training.finetune import FinetuneParams, finetune, training_rows
from jz3.training.methods import Full
from tests.lm.optimizers import OPTIMIZER
from tests.lm.test_train import execution
from tests.lm.texts import TEXTS

FULL = "Write a problem.\n\n### Passage\nA shop sells apples.\n\n### New problem\n"
COMPACT = "grade cot\nA shop sells apples.\n[Problem]\n"


def kd_set(count: int):
    numbers = range(count)
    problems = pl.DataFrame(
        {
            "problem_id": [f"p{n:03}" for n in numbers],
            "prompt_id": [f"q{count - n:03}" for n in numbers],
            "passage_id": ["x"] * count,
            "source": ["web"] * count,
            "level": ["grade"] * count,
            "kind": ["cot"] * count,
            "subject": [None] * count,
            "problem": [f"Tom has {n} apples and buys {n + 1}. How many has he?" for n in numbers],
            "solution": [f"{n} + {n + 1} = {2 * n + 1}. So \\boxed{{{2 * n + 1}}}." for n in numbers],
            "answer": [str(2 * n + 1) for n in numbers],
        }
    )
    prompts = pl.DataFrame(
        {
            "prompt_id": [f"q{count - n:03}" for n in numbers],
            "passage_id": ["x"] * count,
            "source": ["web"] * count,
            "level": ["grade"] * count,
            "kind": ["cot"] * count,
            "full": [f"{n} {FULL}" for n in numbers],
            "compact": [f"{n} {COMPACT}" for n in numbers],
        }
    )
    return Problem.validate(problems, cast=True), Prompt.validate(prompts, cast=True).sort("prompt_id")


PARAMS = FinetuneParams(
    prompt_form="compact",
    block_length=128,
    batch_tokens=512,
    epochs=3,
    seed=0,
    schedule=WarmupCosine(warm_up=0.0),
    weights="float32",
    method=Full(kind="full"),
    optimizer=OPTIMIZER,
)


@pytest.fixture
def base_model(tmp_path):
    directory = tmp_path / "base"
    directory.mkdir()
    config = ConfigModel(
        kind="config", hidden_size=32, layers=2, heads=2, mlp=64, seed=0, max_positions=128, training=None
    )
    build(config, train_tokenizer(TEXTS, 400), directory)
    return directory


@pytest.mark.parametrize("form", ["full", "compact"])
def test_a_row_is_the_prompt_of_synthesis_and_what_parsing_reads_back(form):
    problems, prompts = kd_set(5)
    rows = training_rows(problems, prompts, form)
    by_prompt = {row["prompt_id"]: row for row in problems.iter_rows(named=True)}
    for row in rows.iter_rows(named=True):
        (prompt,) = prompts.filter(pl.col(form) == row["input"]).iter_rows(named=True)
        problem = by_prompt[prompt["prompt_id"]]
        read = read_completion(row["output"], "stop", "cot", row["input"])
        assert isinstance(read, ParsedProblem)
        assert (read.problem, read.solution, read.answer) == (
            problem["problem"],
            problem["solution"],
            problem["answer"],
        )
    assert rows.height == 5


def test_two_runs_give_the_same_model_and_the_loss_falls(tmp_path, base_model):
    problems, prompts = kd_set(60)
    runs = []
    for name in ("one", "other"):
        directory = tmp_path / name
        directory.mkdir()
        runs.append(
            finetune(problems, prompts, base_model, directory, tmp_path / "live", PARAMS, execution())
        )
    one, other = runs
    assert one.metrics == other.metrics
    assert one.loss.equals(other.loss)
    assert model_digest(tmp_path / "one") == model_digest(tmp_path / "other") != model_digest(base_model)
    assert one.metrics.last_epoch_loss < 0.8 * one.metrics.first_loss
    assert one.metrics.rows.kept == one.metrics.rows.read == 60
    manifest = InDir(ModelManifest, tmp_path / "one").manifest()
    assert manifest.tokens == 3 * one.metrics.tokens
    assert manifest.steps == one.metrics.steps == one.loss.height
    assert manifest.prompt_form == PARAMS.prompt_form
    assert manifest.tokenizer_digest == InDir(ModelManifest, base_model).manifest().tokenizer_digest
    assert load_model(tmp_path / "one", "float32").config.use_cache
    assert load_tokenizer(tmp_path / "one")("12")["input_ids"]


def test_a_model_left_in_bf16_is_the_rounded_float32_one_and_training_it_on_begins_in_float32(
    tmp_path, base_model
):
    problems, prompts = kd_set(12)
    found = {}
    for weights in ("float32", "bfloat16"):
        directory = tmp_path / weights
        params = PARAMS.model_copy(update={"weights": weights})
        directory.mkdir()
        finetune(problems, prompts, base_model, directory, tmp_path / "live", params, execution())
        assert json.loads((directory / "config.json").read_text())["dtype"] == weights
        found[weights] = load_file(directory / "model.safetensors")
    for name, tensor in found["bfloat16"].items():
        assert tensor.dtype == torch.bfloat16
        assert torch.equal(tensor, found["float32"][name].to(torch.bfloat16))
    assert load_model(tmp_path / "bfloat16", "float32").dtype == torch.float32
    assert found["float32"].keys() == found["bfloat16"].keys()


def test_rows_longer_than_a_block_are_rejected_by_their_rule(tmp_path, base_model):
    problems, prompts = kd_set(60)
    long = pl.when(pl.col("problem_id") == "p003").then(pl.lit("1 2 3 4 " * 50)).otherwise("problem")
    problems = Problem.validate(problems.with_columns(problem=long))
    metrics = finetune(
        problems, prompts, base_model, tmp_path, tmp_path / "live", PARAMS, execution()
    ).metrics
    assert metrics.rows.rejected == {"finetune.too_long": 1}
    assert metrics.rows.kept == 59


def test_a_problem_without_its_prompt_is_named(tmp_path, base_model):
    problems, prompts = kd_set(5)
    with pytest.raises(UserError, match="problem p004 comes from prompt q001, which is not among"):
        finetune(problems, prompts.slice(1), base_model, tmp_path, tmp_path / "live", PARAMS, execution())
