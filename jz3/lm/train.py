"""The one training loop, around the Trainer of transformers: finetune, pretrain and warmup share it.

Which blocks a step reads is fixed before the first one (`Plan`). The loss of a step is the mean over all its
label tokens, however its blocks are cut for memory. The documents of a block go through the model end to
end, each attended to by itself; padding is left out, and logits are computed only where there is a label.
The same inputs on the same machine with the same number of threads give the same weights. Costs the time of
the model, and a few milliseconds a step.
"""

import logging
import tempfile
import time
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from jz3.core.execution import Execution
from jz3.lm.blocks import Blocks
from jz3.lm.checkpoints import PREFIX, Checkpoints
from jz3.lm.model import cache
from jz3.lm.plan import EpochEnd, OptimizerParams, Plan, TrainingError
from jz3.lm.preemption import Preempted, told_of_preemption
from jz3.lm.ranks import Rank
from jz3.lm.schedule import Schedule
from jz3.tables.loss_point import LossPoint

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)


def train(
    model: "PreTrainedModel",
    blocks: Blocks,
    plan: Plan,
    schedule: Schedule,
    optimizer: OptimizerParams,
    execution: Execution,
    *,
    what: str,
    seed: int,
    keep: Mapping[int, Path],
    on_epoch_end: EpochEnd | None,
    checkpoints: Checkpoints | None = None,
    live: Path | None = None,
    rank: Rank | None = None,
) -> pl.DataFrame:
    """Train the model in place; one LossPoint row for each step.

    The weights after each of the step counts in `keep` are written to the file named there. With
    `checkpoints` a training that was killed goes on from its last one, to the same losses and weights. `rank`
    is None where this process trains alone. Only weights that require a
    gradient move: an adapter trains alone; the optimizer that `on_epoch_end` gets holds `exp_avg` and
    `exp_avg_sq` in `optimizer.state[parameter]`. Raises TrainingError where blocks are longer
    than the model's positions, there is nothing to train on, the loss is not finite, or gradients explode.
    """
    import torch
    from transformers import set_seed

    from jz3.lm.observer import Observer
    from jz3.lm.trainer import run_trainer

    _check(model, blocks, plan)
    torch.set_num_threads(execution.threads)
    set_seed(seed)
    observer = Observer(model, blocks, plan, schedule, optimizer, what, keep, on_epoch_end, checkpoints, live)
    started = time.monotonic()
    with cache(model, on=False), tempfile.TemporaryDirectory() as scratch:
        try:
            with told_of_preemption(observer.asked, by_file=False) if observer.asked else nullcontext():
                run_trainer(
                    model, blocks, plan, schedule, optimizer, execution, seed, observer, scratch, rank
                )
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(_goes_on(what, len(observer.points), len(plan.steps), checkpoints))
            raise
    if observer.ended_at is not None:
        raise Preempted(what, observer.ended_at, len(plan.steps))
    seconds = time.monotonic() - started
    log.info("%s: %d tokens, %.0f tokens/s", what, observer.tokens, observer.tokens / seconds)
    return LossPoint.validate(pl.DataFrame(observer.points, schema=LossPoint.create_empty().schema))


def _goes_on(what: str, step: int, steps: int, checkpoints: Checkpoints | None) -> str:
    latest = checkpoints.latest() if checkpoints else None
    at = latest.name.removeprefix(PREFIX) if latest else "0"
    return f"{what} was at step {step} of {steps} and goes on at step {at}"


def _check(model: "PreTrainedModel", blocks: Blocks, plan: Plan) -> None:
    if not plan.steps or not all(len(step) for step in plan.steps):
        raise TrainingError(
            "there is no block to train on; at least one row that fits a block was expected. "
            "Look at the ledger of the stage before, or raise the block length."
        )
    positions = int(getattr(model.config, "max_position_embeddings", blocks.length))
    if blocks.length > positions:
        raise TrainingError(
            f"blocks are {blocks.length} tokens long; the model has positions for {positions}. "
            f"Lower the block length, or raise max_positions in section `base`."
        )
