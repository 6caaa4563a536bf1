"""What a training notes and keeps at each step, and what stops it.

Importing this module takes seconds.
"""

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel, TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from jz3.core.progress import Progress
from jz3.lm.checkpoints import Noted, progress_at
from jz3.lm.live import LiveLog, open_live
from jz3.lm.plan import EpochEnd, TrainingError
from jz3.lm.preemption import END, SAVE, Asked
from jz3.lm.training import Training
from jz3.lm.weights import write_weights

NAMED = 16
"""The most rows of a batch that an error names (chosen: a line)."""


EXPLODED = 1000.0
"""Times the clip: a step keeps a thousandth of such a gradient, and the training is lost (chosen)."""


class Observer(TrainerCallback):
    """Notes a LossPoint per step, keeps weights and checkpoints, and stops at a loss that is not finite."""

    optimizer: torch.optim.Optimizer

    def __init__(self, model: PreTrainedModel, training: Training) -> None:
        self._model, self._training = model, training
        self._steps, self._checkpoints = training.plan.steps, training.checkpoints
        self.points: list[dict[str, int | float]] = []
        self.tokens = 0
        self.gradient_norm = 0.0
        self._label_tokens: list[int] = []
        self._loss, self._labels, self._new_tokens, self._blocks_read = 0.0, 0, 0, 0
        self._live: LiveLog | None = None
        self.asked = Asked(training.checkpoints.directory) if training.checkpoints else None
        """What signals asked of this process."""
        self._asked = 0
        """What was asked of any rank at this step."""
        self._saved_at = time.monotonic()
        """When the last checkpoint was made, or the training began."""
        self.ended_at: int | None = None
        """The step after which it ended because it was asked to."""

    def resume(self) -> Path | None:
        """The checkpoint to resume from, if there is one; its notes become those of this object."""
        checkpoint = self._checkpoints.latest() if self._checkpoints else None
        if checkpoint:
            noted = progress_at(checkpoint)
            self.points, self._label_tokens = noted.points, noted.label_tokens
            self.tokens = int(self.points[-1]["tokens"])
            self._blocks_read = sum(map(len, self._steps[: len(self.points)]))
        return checkpoint

    def begin(self, weights: Callable[[], dict[str, torch.Tensor]], *, is_first: bool) -> None:
        """`weights` gathers all weights from the ranks: each rank must call it, and the first one gets
        them.
        """
        self._weights, self._is_first = weights, is_first
        self._bar = Progress(self._training.what, len(self._steps), "steps")
        self._bar.advance(len(self.points))
        if self._training.live and self._is_first:
            self._live = open_live(
                self._training.what,
                self._training.live,
                len(self._steps),
                self._training.execution.trackers,
                resumed=bool(self.points),
            )

    def __enter__(self) -> "Observer":
        self._bar.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.__exit__(kind, error, traceback)
        if self._live:
            self._live.close()

    def piece_done(self, loss: float, labels: int, tokens: int) -> None:
        """Count a piece of a step; `loss` is its share of the step's mean."""
        self._loss += loss
        self._labels += labels
        self._new_tokens += tokens

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> None:
        step = state.global_step + 1
        loss, labels, tokens = self._summed(args)
        self._stop_if_lost(step, loss)
        self.tokens += tokens
        self._blocks_read += len(self._steps[step - 1])
        factor = self._training.schedule(step - 1, len(self._steps))
        point = {
            "step": step,
            "tokens": self.tokens,
            "loss": loss,
            "learning_rate": self._training.optimizer.learning_rate * factor,
            "gradient_norm": self.gradient_norm,
        }
        self.points.append(point)
        self._label_tokens.append(labels)
        self._loss, self._labels, self._new_tokens = 0.0, 0, 0
        if self._live:
            self._live.note(step, point, self.tokens / (self._blocks_read * self._training.blocks.length))

    def _summed(self, args: TrainingArguments) -> tuple[float, int, int]:
        """Loss, label tokens and tokens of the step, over all ranks. The ranks also exchange what each was
        asked for, because all must make a checkpoint at the same step.
        """
        if args.world_size == 1:
            return self._loss, self._labels, self._new_tokens
        asked = self.asked.look(of_ranks=self._is_first) if self.asked else 0
        if self._is_first and self._is_due():
            asked = max(asked, SAVE)
        own = [self._loss, self._labels, self._new_tokens, asked >= SAVE, asked == END]
        sums = torch.tensor(own, dtype=torch.float64).to(args.device)
        torch.distributed.all_reduce(sums)
        loss, labels, tokens, save, end = sums.tolist()
        self._asked = END if end else SAVE if save else 0
        return loss, round(labels), round(tokens)

    def _is_due(self) -> bool:
        """Whether the last checkpoint is as old as one may become."""
        age_s = time.monotonic() - self._saved_at
        return age_s >= 60 * self._training.execution.checkpoint_minutes

    def _stop_if_lost(self, step: int, loss: float) -> None:
        norm, most = self.gradient_norm, EXPLODED * self._training.optimizer.gradient_clip
        if math.isfinite(loss) and norm <= most:
            return
        chosen = self._steps[step - 1]
        rows = np.concatenate([self._training.blocks.rows_of(block) for block in chosen.tolist()])
        raise TrainingError(
            f"the loss of step {step} of {self._training.what} is {loss}, its gradient norm {norm}; a finite "
            f"loss and a norm of at most {most:g} were expected (blocks {_some(chosen)}; rows {_some(rows)} "
            f"of their table). Lower the learning rate, or look at these rows."
        )

    def on_step_end(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> None:
        step = state.global_step
        self._bar.advance(note=f"loss {self.points[-1]['loss']:.3f}")
        if step in self._training.keep:
            weights = self._weights()
            if self._is_first:
                write_weights(weights, self._training.keep[step])
        if self._training.on_epoch_end and self._is_first and step in self._training.plan.epochs:
            self._end_epoch(self._training.plan.epochs.index(step), self._training.on_epoch_end)
        if not self._checkpoints or step == len(self._steps):
            return
        if self.asked and args.world_size == 1:
            self._asked = max(self.asked.look(of_ranks=False), SAVE if self._is_due() else 0)
        if step % self._checkpoints.every == 0 or self._asked:
            control.should_save = True
        if self._asked == END:
            control.should_training_stop = True
            self.ended_at = step

    def on_save(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> None:
        """Complete the checkpoint, now that all ranks have written their files."""
        if args.world_size > 1:
            torch.distributed.barrier()
        if self._checkpoints and self._is_first:
            noted = Noted(points=self.points, label_tokens=self._label_tokens)
            self._checkpoints.complete(state.global_step, noted)
        self._saved_at = time.monotonic()

    def _end_epoch(self, epoch: int, hook: EpochEnd) -> None:
        first, last = [0, *self._training.plan.epochs][epoch : epoch + 2]
        points, weights = self.points[first:last], self._label_tokens[first:last]
        rate = float(np.mean([point["learning_rate"] for point in points]))
        loss = float(np.average([point["loss"] for point in points], weights=weights))
        hook(epoch, self._model, self.optimizer, rate, loss)


def _some(numbers: np.ndarray) -> str:
    named = ", ".join(map(str, numbers[:NAMED].tolist()))
    return f"{named} and {len(numbers) - NAMED} more" if len(numbers) > NAMED else named
