"""What `train` makes of the Trainer of transformers: its data, its loss, and what is noted at each step.

Importing this module takes seconds.
"""

import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.optim.lr_scheduler import LambdaLR
from torch.utils.data import Dataset, Sampler, SequentialSampler
from transformers import (
    PreTrainedModel,
    PrinterCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from jz3.core.execution import Execution
from jz3.core.progress import Progress
from jz3.lm.blocks import Blocks
from jz3.lm.document_attention import by_documents
from jz3.lm.encode import IGNORED_LABEL
from jz3.lm.schedule import Schedule
from jz3.lm.train import AtStep, EpochEnd, OptimizerParams, Plan, TrainingError

Batch = dict[str, torch.Tensor]


def run_trainer(
    model: PreTrainedModel,
    blocks: Blocks,
    plan: Plan,
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    params: OptimizerParams,
    execution: Execution,
    seed: int,
    observer: "Observer",
    scratch: str,
) -> None:
    """Run the plan from its first step to its last."""
    steps = len(plan.steps)
    pieces = math.ceil(max(map(len, plan.steps)) / execution.training_batch)
    arguments = TrainingArguments(
        output_dir=scratch,
        max_steps=steps,
        per_device_train_batch_size=1,  # a batch of the loader is a piece of a step, cut by `Pieces`
        gradient_accumulation_steps=pieces,
        max_grad_norm=params.gradient_clip,
        bf16=params.precision == "bf16",
        use_cpu=execution.device == "cpu",
        dataloader_pin_memory=execution.device != "cpu",
        seed=seed,
        remove_unused_columns=False,
        save_strategy="no",
        logging_strategy="no",
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=[],
    )
    trainer = BlockTrainer(
        model=model,
        args=arguments,
        train_dataset=Pieces(blocks, plan, pieces),
        data_collator=_only,
        optimizers=(optimizer, LambdaLR(optimizer, lambda step: schedule(step, steps))),
        callbacks=[observer],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.observer = observer
    observer.begin()
    with observer.bar, by_documents(model), LabelledPlaces(model) as places:
        trainer.places = places
        trainer.train()


class Pieces(Dataset[Batch]):
    """The steps of a plan, each cut into the same number of pieces; a piece is what the model reads at once:
    the documents of its blocks end to end in one row, without padding.

    A step of fewer blocks than pieces gets pieces without a label, which add nothing.
    """

    def __init__(self, blocks: Blocks, plan: Plan, pieces: int) -> None:
        self._blocks, self._plan, self._pieces = blocks, plan, pieces

    def __len__(self) -> int:
        return len(self._plan.steps) * self._pieces

    def __getitem__(self, index: int) -> Batch:
        step, piece = divmod(index, self._pieces)
        numbers = np.array_split(self._plan.steps[step], self._pieces)[piece]
        chosen = np.sort(numbers) if len(numbers) else self._plan.steps[step][:1]
        documents = self._blocks.documents[chosen]
        is_token = documents > 0
        labels = self._blocks.labels[chosen][is_token] if len(numbers) else IGNORED_LABEL
        positions = self._blocks.positions[chosen][is_token]
        starts = np.flatnonzero(positions == 0)
        return {
            "input_ids": _row(self._blocks.tokens[chosen][is_token]),
            "position_ids": _row(positions),
            "labels": _row(np.broadcast_to(labels, positions.shape)),
            "document_lengths": torch.from_numpy(np.diff(starts, append=len(positions))),
            "tokens": torch.tensor(len(positions) if len(numbers) else 0),
        }


def _row(values: NDArray[np.integer[Any]]) -> torch.Tensor:
    """[1, tokens]"""
    return torch.from_numpy(values.astype(np.int64)).unsqueeze(0)


def _only(batch: list[Batch]) -> Batch:
    return batch[0]


class LabelledPlaces:
    """While open, the head of a model sees only the places that bear loss: [1, L, D] becomes [N, D].

    Of a row to be learned, half may be input: its logits over the vocabulary would be thrown away.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._head = cast("torch.nn.Module", model.get_output_embeddings())
        self.indices = torch.empty(0, dtype=torch.int64)

    def __enter__(self) -> "LabelledPlaces":
        self._handle = self._head.register_forward_pre_hook(self._narrow)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _narrow(self, _head: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        hidden = inputs[0]  # [1, L, D]
        return (hidden.reshape(-1, hidden.shape[-1]).index_select(0, self.indices),)


class BlockTrainer(Trainer):
    """A Trainer that reads pieces in order and takes the mean loss over the label tokens of a whole step."""

    observer: "Observer"
    places: LabelledPlaces

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 (handed on as they are)
        super().__init__(**arguments)
        self.model_accepts_loss_kwargs = True  # so that it counts the labels of the whole step

    def _get_train_sampler(self, train_dataset: Dataset[Batch] | None = None) -> Sampler[int]:
        assert train_dataset is not None or self.train_dataset is not None
        return SequentialSampler(train_dataset or self.train_dataset)  # pyright: ignore[reportArgumentType]

    def compute_loss(
        self,
        model: torch.nn.Module,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: ARG002, FBT001, FBT002 (the Trainer's own signature)
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        assert num_items_in_batch is not None
        targets = torch.nn.functional.pad(inputs["labels"][:, 1:], (0, 1), value=IGNORED_LABEL)
        labelled, self.places.indices = _labelled(targets)  # both [N]
        logits = model(
            input_ids=inputs["input_ids"],
            position_ids=inputs["position_ids"],
            document_lengths=inputs["document_lengths"].tolist(),
        ).logits  # [N, V]
        total = torch.nn.functional.cross_entropy(logits.float(), labelled, reduction="sum")
        loss = total / num_items_in_batch
        self.observer.piece_done(float(loss.detach()), len(labelled), int(inputs["tokens"]))
        return loss

    def _clip_grad_norm(self, model: torch.nn.Module) -> torch.Tensor:
        norm = cast("torch.Tensor", super()._clip_grad_norm(model))
        self.observer.gradient_norm = float(norm)
        return norm


def _labelled(targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    flat = targets.reshape(-1)
    indices = torch.nonzero(flat != IGNORED_LABEL).squeeze(1)
    return flat[indices], indices


class Observer(TrainerCallback):
    """Notes a LossPoint a step, calls what is to be called, and stops at a loss that is not finite."""

    def __init__(
        self,
        model: PreTrainedModel,
        optimizer: torch.optim.Optimizer,
        plan: Plan,
        what: str,
        at_steps: Mapping[int, AtStep],
        on_epoch_end: EpochEnd | None,
    ) -> None:
        self._model, self._optimizer, self._plan = model, optimizer, plan
        self._what, self._at_steps, self._on_epoch_end = what, at_steps, on_epoch_end
        self.points: list[dict[str, float]] = []
        self.tokens = 0
        self.gradient_norm = 0.0
        self._label_tokens: list[int] = []
        self._loss, self._labels = 0.0, 0

    def begin(self) -> None:
        self.bar = Progress(self._what, len(self._plan.steps), "steps")

    def piece_done(self, loss: float, labels: int, tokens: int) -> None:
        """`loss` is the piece's share of the step's mean."""
        self._loss += loss
        self._labels += labels
        self.tokens += tokens

    def on_pre_optimizer_step(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> None:
        step = state.global_step + 1
        if not math.isfinite(self._loss) or not math.isfinite(self.gradient_norm):
            raise TrainingError(
                f"the loss of step {step} of {self._what} is {self._loss}, its gradient norm "
                f"{self.gradient_norm}; finite numbers were expected (blocks {self._blocks_of(step)}). "
                f"Lower the learning rate, or look at these blocks."
            )
        self.points.append(
            {
                "step": step,
                "tokens": self.tokens,
                "loss": self._loss,
                "learning_rate": float(self._optimizer.param_groups[0]["lr"]),
                "gradient_norm": self.gradient_norm,
            }
        )
        self._label_tokens.append(self._labels)
        self._loss, self._labels = 0.0, 0

    def on_step_end(
        self,
        args: TrainingArguments,  # noqa: ARG002
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> None:
        self.bar.advance()
        if state.global_step in self._at_steps:
            self._at_steps[state.global_step](self.tokens)
        if self._on_epoch_end and state.global_step in self._plan.epochs:
            self._end_epoch(self._plan.epochs.index(state.global_step), self._on_epoch_end)

    def _end_epoch(self, epoch: int, hook: EpochEnd) -> None:
        first, last = [0, *self._plan.epochs][epoch : epoch + 2]
        points, weights = self.points[first:last], self._label_tokens[first:last]
        rate = float(np.mean([point["learning_rate"] for point in points]))
        loss = float(np.average([point["loss"] for point in points], weights=weights))
        hook(epoch, self._model, self._optimizer, rate, loss)

    def _blocks_of(self, step: int) -> str:
        return ", ".join(map(str, self._plan.steps[step - 1][:8].tolist()))
