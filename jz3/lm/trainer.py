"""How `train` uses the Trainer of transformers: its data, its loss, its optimizer, its checkpoints.

Importing this module takes seconds.
"""

import math
from functools import partial
from pathlib import Path
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
    TrainingArguments,
)

from jz3.lm.blocks import Blocks
from jz3.lm.checkpoints import reading
from jz3.lm.document_attention import by_documents
from jz3.lm.encode import IGNORED_LABEL
from jz3.lm.fused_kernels import compiled_cross_entropy, liger_kernels
from jz3.lm.labelled_places import CrossEntropy, LabelledPlaces, cross_entropy, labelled_places, summed_loss
from jz3.lm.observer import Observer
from jz3.lm.optimizer import make_optimizer
from jz3.lm.plan import OptimizerParams, Plan
from jz3.lm.schedule import Schedule
from jz3.lm.training import Training
from jz3.lm.weights import read_weights, write_weights

WEIGHTS = "weights.safetensors"
SCHEDULER = "scheduler.pt"
"""The Trainer's name for the file."""

Batch = dict[str, torch.Tensor]


def run_trainer(model: PreTrainedModel, training: Training, observer: Observer, scratch: str) -> None:
    """Run the plan to its last step, from its first one or from the last checkpoint."""
    plan, params, execution, rank = training.plan, training.optimizer, training.execution, training.rank
    ranks, zero, fsdp = (rank.count, rank.zero, rank.fsdp) if rank else (1, None, False)
    pieces = pieces_of_a_step(plan, execution.training_batch, ranks)
    recomputed = execution.recomputed(training.what.split()[0])
    checkpoint = observer.resume()
    arguments = OneDevice(
        output_dir=str(training.checkpoints.directory) if training.checkpoints else scratch,
        max_steps=len(plan.steps),
        per_device_train_batch_size=1,  # a batch of the loader is a piece of a step, cut by `Pieces`
        gradient_accumulation_steps=pieces // ranks,
        max_grad_norm=params.gradient_clip,
        # DeepSpeed has its own autocast, and FSDP gathers weights in bf16.
        bf16=params.precision == "bf16" and not zero and not fsdp,
        activation_checkpointing=bool(recomputed),
        activation_checkpointing_kwargs={"use_reentrant": False, "every_n_layers": recomputed},
        use_liger_kernel=execution.fused_kernels,
        liger_kernel_config=liger_kernels(model) if execution.fused_kernels else None,
        use_cpu=execution.device == "cpu",
        ddp_backend="gloo" if rank and execution.device == "cpu" else None,
        ddp_find_unused_parameters=False,  # every weight is used for every piece
        deepspeed=zero,
        # Without it each rank of FSDP would keep whole gradients until the last piece of a step. With several
        # machines, only the exchange between them then waits.
        accelerator_config={
            "gradient_accumulation_kwargs": {"sync_each_batch": fsdp and execution.nodes == 1}
        },
        dataloader_pin_memory=execution.device != "cpu",
        seed=training.seed,
        remove_unused_columns=False,
        save_strategy="no",  # the observer decides when
        logging_strategy="no",
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=[],
    )
    assert arguments.world_size == ranks, f"{arguments.world_size} ranks run; {ranks} were expected"
    trainer = BlockTrainer(
        model=model,
        args=arguments,
        train_dataset=Pieces(training.blocks, plan, pieces),
        data_collator=_only,
        callbacks=[observer],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.observer, trainer.schedule, trainer.optimizer_params = observer, training.schedule, params
    if execution.fused_kernels:
        trainer.cross_entropy = compiled_cross_entropy()
    observer.begin(trainer.weights, is_first=trainer.is_world_process_zero())
    with observer, by_documents(model, execution.device), LabelledPlaces(model) as places:
        trainer.places = places
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)


class OneDevice(TrainingArguments):
    """Arguments of a process that trains on one device, however many the machine has.

    A plain Trainer that sees several GPUs wraps the model in DataParallel, which would cut a piece in two and
    return a vector of losses. Several devices are used by several ranks instead.
    """

    @property
    def n_gpu(self) -> int:
        return 1


def pieces_of_a_step(plan: Plan, training_batch: int, ranks: int) -> int:
    """The fewest pieces with at most `training_batch` blocks each that can be divided equally among the
    ranks.
    """
    return math.ceil(max(map(len, plan.steps)) / (training_batch * ranks)) * ranks


class Pieces(Dataset[Batch]):
    """The steps of a plan, each cut into the same number of pieces. A piece is what the model reads at once:
    the documents of its blocks end to end in one row, without padding.

    A step with fewer blocks than pieces also gets pieces without labels, which add nothing.
    """

    def __init__(self, blocks: Blocks, plan: Plan, pieces: int) -> None:
        self._blocks, self._plan, self._pieces = blocks, plan, pieces

    def __len__(self) -> int:
        return len(self._plan.steps) * self._pieces

    def __getitem__(self, index: int) -> Batch:
        step, piece = divmod(index, self._pieces)
        numbers = np.array_split(self._plan.steps[step], self._pieces)[piece]
        chosen = np.sort(numbers) if len(numbers) else self._plan.steps[step][:1]
        blocks = self._blocks.chosen(chosen)
        is_token = blocks.documents > 0
        labels = blocks.labels[is_token] if len(numbers) else IGNORED_LABEL
        positions = blocks.positions[is_token]
        starts = np.flatnonzero(positions == 0)
        return {
            "input_ids": _row(blocks.tokens[is_token]),
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


class BlockTrainer(Trainer):
    """A Trainer that reads pieces in order and takes the mean loss over the label tokens of a whole step."""

    observer: Observer
    places: LabelledPlaces
    schedule: Schedule
    optimizer_params: OptimizerParams
    cross_entropy: CrossEntropy

    def __init__(self, **arguments: Any) -> None:  # noqa: ANN401 (handed on as they are)
        super().__init__(**arguments)
        self.cross_entropy = cross_entropy
        self.model_accepts_loss_kwargs = True  # so that it counts the labels of the whole step

    def create_optimizer(self, model: torch.nn.Module | None = None) -> torch.optim.Optimizer:  # noqa: ARG002
        if self.optimizer is None:  # pyright: ignore[reportUnnecessaryComparison]
            self.optimizer = make_optimizer(cast("PreTrainedModel", self.model), self.optimizer_params)
            self.observer.optimizer = self.optimizer
        return self.optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        if self.lr_scheduler is None:  # pyright: ignore[reportUnnecessaryComparison]
            factor = partial(_factor, self.schedule, num_training_steps)
            self.lr_scheduler = LambdaLR(optimizer or self.optimizer, factor)
        return self.lr_scheduler

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
        labelled, self.places.indices = labelled_places(targets)  # both [N]
        tokens, positions, lengths = (inputs[n] for n in ("input_ids", "position_ids", "document_lengths"))
        summed = summed_loss(model, tokens, positions, lengths.tolist(), labelled, self.cross_entropy)
        loss = summed / num_items_in_batch
        self.observer.piece_done(float(loss.detach()), len(labelled), int(inputs["tokens"]))
        return loss * self.args.world_size  # ranks average their gradients, but this loss needs the sum

    def floating_point_ops(self, inputs: dict[str, Any]) -> int:  # noqa: ARG002
        """Returns no count: the Trainer would go through all weights for each piece, and nobody reads the
        sum.
        """
        return 0

    def _clip_grad_norm(self, model: torch.nn.Module) -> torch.Tensor:
        if self.is_sharded:
            from jz3.lm.sharded import clip_gradients

            norm = clip_gradients(model, self.args.max_grad_norm)
        else:
            norm = cast("torch.Tensor", super()._clip_grad_norm(model))
        self.observer.gradient_norm = float(norm)
        return norm

    @property
    def is_sharded(self) -> bool:
        """Whether weights are shards of FSDP2."""
        return self.is_distributed_loading_by_transformers

    @property
    def shards(self) -> torch.nn.Module:
        """The model whose weights are shards."""
        return cast("torch.nn.Module", self.model_wrapped)

    def weights(self) -> dict[str, torch.Tensor]:
        """All weights, gathered from the ranks; every rank must call it, and the first one gets them."""
        if self.is_sharded:
            from jz3.lm.sharded import whole_weights

            return whole_weights(self.shards)
        return cast("dict[str, torch.Tensor]", self.accelerator.get_state_dict(self.model_wrapped)) or {}

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:  # noqa: FBT001, FBT002
        """Save all weights into a checkpoint, not only an adapter's: the weights under it may be random."""
        assert output_dir is not None
        Path(output_dir).mkdir(parents=True, exist_ok=True)
        if self.is_sharded:
            from jz3.lm.sharded import write_shards

            write_shards(Path(output_dir), self.shards, self.observer.optimizer)
        elif self.args.should_save and not self.is_deepspeed_enabled:  # otherwise each rank's file has them
            write_weights(self.weights(), Path(output_dir) / WEIGHTS)

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: torch.nn.Module | None = None
    ) -> None:
        checkpoint = Path(resume_from_checkpoint)
        with reading(checkpoint):
            if self.is_sharded:
                from jz3.lm.sharded import read_weight_shards

                read_weight_shards(checkpoint, self.shards)
                return
            read_weights(model or cast("torch.nn.Module", self.model), checkpoint / WEIGHTS)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        """Unlike `Checkpoints.latest`, the Trainer would silently continue without them."""
        if checkpoint is None:
            return
        with reading(Path(checkpoint)):
            if self.is_sharded:
                from jz3.lm.sharded import read_optimizer_shards

                read_optimizer_shards(Path(checkpoint), self.shards, self.observer.optimizer)
                self.lr_scheduler.load_state_dict(torch.load(Path(checkpoint) / SCHEDULER, weights_only=True))
                return
            super()._load_optimizer_and_scheduler(checkpoint)

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        """The optimizer of shards is written together with the weights."""
        if not self.is_sharded:
            super()._save_optimizer_and_scheduler(output_dir)
        elif self.args.should_save:
            torch.save(self.lr_scheduler.state_dict(), Path(output_dir) / SCHEDULER)


def _factor(schedule: Schedule, steps: int, step: int) -> float:
    return schedule(step, steps)
