"""A small model trained by the stage `warmup`, and the problems whose values it gives."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import polars as pl
import torch

from jz3.core.artifacts import InDir, OutDir
from jz3.core.execution import Execution, load_execution
from jz3.influence.checkpoints import BASE, Precision, Reference, open_checkpoint
from jz3.influence.directions import AdamConstants
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import FullParams, WarmupParams
from jz3.lm.encode import EncodedRow, encode_rows
from jz3.lm.lora import LoraParams
from jz3.lm.model import load_tokenizer
from jz3.lm.plan import OptimizerParams
from jz3.lm.schedule import WarmupCosine, WarmupStableDecay
from jz3.lm.tokenizer import train_tokenizer
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tables.words import LEVELS
from jz3.text.training_text import training_input
from jz3.training.base import ConfigModel, build
from jz3.writer.write import write_problem

MAX_TOKENS = 400
BATCH = 6
"""Tokens at once, as blocks of MAX_TOKENS: 16 problems of 150 tokens (of 3, 6 and 12 blocks the fastest)."""
TASKS = ("grade", "high")
"""Levels whose problems are the targets: one task each."""

OPTIMIZER = OptimizerParams(
    learning_rate=1e-3,
    weight_decay=0.0,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    gradient_clip=1.0,
    precision="bf16",
    muon=None,
)


def problems(count: int, first: int = 0) -> pl.DataFrame:
    rows = []
    for number in range(first, first + count):
        level = LEVELS[number % len(LEVELS)]
        kind = ("cot", "tool")[number // len(LEVELS) % 2]
        written = write_problem(level, kind, "", f"benchmark {number}", "teacher")
        rows.append(
            {
                "problem_id": f"p{number:06}",
                "source": "writer",
                "level": level,
                "kind": kind,
                "problem": written.problem,
                "solution": written.solution,
            }
        )
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


def targets(count: int) -> pl.DataFrame:
    drawn = problems(count * len(LEVELS) // len(TASKS), first=10**6).filter(pl.col("level").is_in(TASKS))
    rows = drawn.select(
        "kind", "solution", target_id="problem_id", task=pl.col("level").cast(pl.String), question="problem"
    )
    return Target.validate(
        rows.with_columns(subject=pl.lit(None, pl.String)).select(Target.create_empty().columns)
    )


def execution(training_batch: int = BATCH) -> Execution:
    root = Path(__file__).parents[2]
    embedded = load_execution(root / "profiles/execution/embedded.yaml")
    return embedded.model_copy(update={"threads": 1, "workers": 1, "training_batch": training_batch})


def train_reference(root: Path, trained: int) -> None:
    """Base and adapter, both trained by the stage `warmup`."""
    torch.set_num_threads(1)
    rows = problems(trained, first=10**5)
    texts = pl.Series([f"{row['problem']}\n{row['solution']}" for row in rows.iter_rows(named=True)])
    shape = ConfigModel(
        kind="config",
        hidden_size=320,
        layers=5,
        heads=5,
        mlp=864,
        seed=0,
        max_positions=MAX_TOKENS,
        training=None,
    )
    build(shape, train_tokenizer(texts, 370), root / "base")
    params = WarmupParams(
        share=1.0,
        seed=0,
        block_length=MAX_TOKENS,
        batch_tokens=2000,
        pretrain=FullParams(epochs=1, schedule=WarmupCosine(warm_up=0.03), optimizer=OPTIMIZER),
        epochs=1,
        adapter=LoraParams(
            rank=16,
            alpha=32,
            dropout=0.0,
            targets=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        ),
        schedule=WarmupStableDecay(warm_up=0.03, stable=0.03, floor=0.0),
        optimizer=OPTIMIZER,
    )
    with OutDir(CheckpointsManifest, root / "reference").open() as directory:
        warmup(rows, root / "base", directory, params, execution(training_batch=5))


def trained_reference(root: Path, trained: int) -> InDir[CheckpointsManifest]:
    training = get_context("spawn").Process(target=train_reference, args=(root, trained))
    training.start()
    training.join()
    assert training.exitcode == 0, "the training failed"
    return InDir(CheckpointsManifest, root / "reference")


@dataclass(frozen=True)
class Case:
    """A checkpoint, and the problems whose values it gives."""

    checkpoint: Path
    base: Path
    constants: AdamConstants
    rows: list[EncodedRow]
    """Longest first, as `attribute` orders them."""
    by_task: dict[str, list[EncodedRow]]

    def open(self, precision: Precision) -> Reference:
        return open_checkpoint(self.base, self.checkpoint, precision, "cpu")


def case(checkpoints: InDir[CheckpointsManifest], candidates: pl.DataFrame, wanted: pl.DataFrame) -> Case:
    manifest = checkpoints.manifest()
    tokenizer = load_tokenizer(checkpoints.path / BASE)

    def encoded(rows: pl.DataFrame, question: str) -> list[EncodedRow]:
        before = [training_input(text, kind) for text, kind in rows.select(question, "kind").iter_rows()]
        found = encode_rows(tokenizer, before, rows["solution"].to_list(), MAX_TOKENS)
        return sorted((row for row in found if row is not None), key=lambda row: -len(row.tokens))

    return Case(
        checkpoints.path / manifest.checkpoints[-1].directory,
        checkpoints.path / BASE,
        AdamConstants(manifest.adam_beta1, manifest.adam_beta2, manifest.adam_epsilon),
        encoded(candidates, "problem"),
        {task: encoded(wanted.filter(pl.col("task") == task), "question") for task in TASKS},
    )


def cpu_ms(work: Callable[[], object]) -> float:
    started = time.process_time()
    work()
    return (time.process_time() - started) * 1e3
