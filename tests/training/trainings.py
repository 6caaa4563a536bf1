"""A tiny training for tests of resume, ranks and methods.

`python -m tests.training.trainings ROOT RANKS SHARDING [TORCHRUN ...]` runs one in a process that can be
killed, with another command in place of torchrun if there is one.
"""

import sys
from pathlib import Path

import numpy as np

from jz3.lm import launch
from jz3.lm.blocks import Blocks, pack_rows
from jz3.lm.encode import IGNORED_LABEL, EncodedRow
from jz3.lm.plan import epoch_plan
from jz3.lm.schedule import WarmupStableDecay
from jz3.lm.tokenizer import train_tokenizer
from jz3.lm.training import Training
from jz3.training.base import ConfigModel, build
from jz3.training.methods import Full
from jz3.training.run import run_job
from tests import executions
from tests.lm.optimizers import OPTIMIZER
from tests.lm.texts import TEXTS

SCHEDULE = WarmupStableDecay(warm_up=0.1, stable=0.6, floor=0.1)
FULL = Full(kind="full")


def build_base(directory: Path, layers: int = 2) -> Path:
    directory.mkdir(parents=True)
    config = ConfigModel(
        kind="config", hidden_size=32, layers=layers, heads=2, mlp=64, seed=0, max_positions=64, training=None
    )
    build(config, train_tokenizer(TEXTS, 300), directory)
    return directory


def some_blocks(seed: int = 0, count: int = 40) -> Blocks:
    generator = np.random.default_rng(seed)
    rows = {}
    for number in range(count):
        tokens = generator.integers(1, 256, int(generator.integers(4, 30))).tolist()
        masked = int(generator.integers(0, len(tokens)))
        rows[number] = EncodedRow(tokens, [IGNORED_LABEL] * masked + tokens[masked:])
    return pack_rows(rows, 32, 0)


def trained(
    root: Path, blocks=None, method=FULL, optimizer=OPTIMIZER, seed=0, blocks_per_step=4, training_batch=2,
    **how,
):  # fmt: skip
    """12 steps of the base in `root`, keeping the weights after the eighth."""
    blocks = blocks or some_blocks()
    plan = epoch_plan(len(blocks), 2, blocks_per_step, seed=3)
    execution = executions.execution(training_batch=training_batch, **how)
    training = Training(
        what="test", blocks=blocks, plan=plan, schedule=SCHEDULE, optimizer=optimizer, seed=seed,
        execution=execution, live=root / "live",
    )  # fmt: skip
    return run_job(root / "base", method, training, keep=[min(8, len(plan.steps))])


if __name__ == "__main__":
    launch.TORCHRUN = tuple(sys.argv[4:]) or launch.TORCHRUN
    trained(Path(sys.argv[1]), checkpoint_steps=1, ranks=int(sys.argv[2]), sharding=sys.argv[3])
