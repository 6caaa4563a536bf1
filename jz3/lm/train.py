"""The only training loop, around the Trainer of transformers: finetune, pretrain and warmup share it.

Which blocks a step reads is decided before the first one (`Plan`). The loss of a step is the mean over all
its label tokens, however its blocks are cut for memory. The documents of a block go through the model end to
end, with separate attention; padding is left out, and logits are computed only where there is a label. Equal
inputs on one machine with the same number of threads give equal weights. Costs the time of the model, and a
few milliseconds per step.
"""

import logging
import tempfile
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING

import polars as pl

from jz3.lm.checkpoints import PREFIX
from jz3.lm.freed_memory import keep_freed_memory
from jz3.lm.model import cache
from jz3.lm.plan import TrainingError
from jz3.lm.preemption import Preempted, told_of_preemption
from jz3.lm.training import Training
from jz3.tables.loss_point import LossPoint

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)


def train(model: "PreTrainedModel", training: Training) -> pl.DataFrame:
    """Train the model in place; return one LossPoint row for each step.

    Only weights that require a gradient are trained, so an adapter is trained alone. With `checkpoints`, a
    training that was killed resumes from the last one, with the same losses and weights. The optimizer that
    `on_epoch_end` gets holds `exp_avg` and `exp_avg_sq` in `optimizer.state[parameter]`.

    Raises TrainingError if blocks are longer than the model's positions, there is nothing to train on, the
    loss is not finite, or gradients explode; Preempted if the process was asked to end.
    """
    import torch
    from transformers import set_seed

    from jz3.lm.observer import Observer
    from jz3.lm.trainer import run_trainer

    _check(model, training)
    torch.set_num_threads(training.execution.threads)
    if training.execution.device == "cpu":
        keep_freed_memory()
    set_seed(training.seed)
    observer = Observer(model, training)
    started = time.monotonic()
    with cache(model, on=False), tempfile.TemporaryDirectory() as scratch:
        try:
            with told_of_preemption(observer.asked, by_file=False) if observer.asked else nullcontext():
                run_trainer(model, training, observer, scratch)
        except KeyboardInterrupt as interrupt:
            interrupt.add_note(_goes_on(training, len(observer.points)))
            raise
    if observer.ended_at is not None:
        raise Preempted(training.what, observer.ended_at, len(training.plan.steps))
    seconds = time.monotonic() - started
    log.info("%s: %d tokens, %.0f tokens/s", training.what, observer.tokens, observer.tokens / seconds)
    return LossPoint.validate(pl.DataFrame(observer.points, schema=LossPoint.create_empty().schema))


def _goes_on(training: Training, step: int) -> str:
    latest = training.checkpoints.latest() if training.checkpoints else None
    at = latest.name.removeprefix(PREFIX) if latest else "0"
    steps = len(training.plan.steps)
    return f"{training.what} was at step {step} of {steps} and goes on at step {at}"


def _check(model: "PreTrainedModel", training: Training) -> None:
    blocks, steps = training.blocks, training.plan.steps
    if not steps or not all(len(step) for step in steps):
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
