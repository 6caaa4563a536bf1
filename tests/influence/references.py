"""A reference model warmed up on a few problems, and targets for their values."""

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jz3.core.artifacts import InDir, OutDir
from jz3.influence.warmup import warmup
from jz3.influence.warmup_training import FullParams, WarmupParams
from jz3.lm.lora import LoraParams
from jz3.lm.plan import OptimizerParams
from jz3.lm.schedule import WarmupCosine, WarmupStableDecay
from jz3.tables.checkpoints_manifest import CheckpointsManifest
from jz3.tables.problem import Problem
from jz3.tables.target import Target
from jz3.tables.words import KINDS, LEVELS
from jz3.writer.write import write_problem
from tests import executions

OPTIMIZER = OptimizerParams(
    learning_rate=1e-2,
    weight_decay=0.0,
    beta1=0.9,
    beta2=0.999,
    epsilon=1e-8,
    gradient_clip=1.0,
    precision="fp32",
    muon=None,
)
WARMUP = WarmupParams(
    share=0.7,
    seed=3,
    block_length=64,
    batch_tokens=256,
    pretrain=FullParams(epochs=1, schedule=WarmupCosine(warm_up=0.0), optimizer=OPTIMIZER),
    epochs=2,
    adapter=LoraParams(rank=2, alpha=4, dropout=0.1, targets=["q_proj", "down_proj"]),
    schedule=WarmupStableDecay(warm_up=0.03, stable=0.03, floor=0.0),
    optimizer=OPTIMIZER,
)


def execution(training_batch=4, generation_commit=5):
    return executions.execution(generation_commit=generation_commit, training_batch=training_batch)


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


def written(count, first=0):
    """Problems of the built-in writer, with all levels and both kinds in turn."""
    rows = []
    for number in range(first, first + count):
        level, kind = LEVELS[number % len(LEVELS)], KINDS[number // len(LEVELS) % len(KINDS)]
        made = write_problem(level, kind, "", f"influence {number}", "teacher")
        rows.append(
            {
                "problem_id": f"p{number:06}",
                "source": "writer",
                "level": level,
                "kind": kind,
                "problem": made.problem,
                "solution": made.solution,
            }
        )
    return Problem.validate(pl.DataFrame(rows, schema=Problem.create_empty().schema))


def written_targets(count):
    """`count` of each of two levels, which are the tasks."""
    drawn = written(count * len(LEVELS), 10**6).filter(
        pl.col("level").cast(pl.String).is_in(["grade", "high"])
    )
    rows = drawn.select(
        "kind", "solution", target_id="problem_id", task=pl.col("level").cast(pl.String), question="problem"
    )
    return Target.validate(
        rows.with_columns(subject=pl.lit(None, pl.String)).select(Target.create_empty().columns)
    )


@dataclass(frozen=True)
class Trained:
    base: Path
    checkpoints: InDir[CheckpointsManifest]


def train_reference(base: Path, path: Path, params=WARMUP, **changes):
    how = executions.execution(training_batch=4, **changes)
    with OutDir(CheckpointsManifest, path).open() as directory:
        warmed_up = warmup(problems(), base, directory, params, how)
    return warmed_up, InDir(CheckpointsManifest, path)
