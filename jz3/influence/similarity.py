"""Cosines between the directions of samples and the gradients of target tasks, at one checkpoint.

The gradient of a task is the mean of its targets' plain gradients (each the mean over label tokens), scaled
to length 1. A cosine is summed layer by layer in float32; nothing is projected and nothing is stored. Costs
one forward and backward pass per sample, and memory for one copy of the adapter per task.

Shapes: B samples, K tasks, D weights of one matrix.
"""

# ruff: noqa: N803, N806 (names of tensors end in their shape)

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from jz3.core.errors import UserError
from jz3.influence.checkpoints import Moments, Reference
from jz3.influence.directions import AdamConstants, Direction
from jz3.influence.gradients import Take, backward, cut_batches
from jz3.lm.encode import EncodedRow

Weights = tuple[str, str]
"""A layer and one of its matrices (`A` or `B`)."""


@dataclass(frozen=True)
class Similarity:
    """The cosine of one sample with each task, and its loss (mean over label tokens, in nats)."""

    cosines: dict[str, float]
    loss: float


@dataclass(frozen=True)
class TaskGradients:
    """Gradients of length 1: over all weights together, each task's squares add up to 1."""

    tasks: tuple[str, ...]
    by_weights: dict[Weights, torch.Tensor]
    """[K, D] for each matrix of the adapter."""


def task_gradients(
    reference: Reference, targets: Mapping[str, Sequence[EncodedRow]], padded_tokens: int
) -> TaskGradients:
    """The mean gradient of each task's targets, scaled to length 1.

    Raises UserError for a task whose mean gradient is zero or not finite.
    """
    tasks = tuple(sorted(targets))
    sums_K = [_summed(reference, targets[task], padded_tokens) for task in tasks]
    lengths_K = [
        torch.stack([sum_D.square().sum() for sum_D in sums.values()]).sum().sqrt() for sums in sums_K
    ]
    for task, length in zip(tasks, lengths_K, strict=True):
        if not torch.isfinite(length) or length == 0:
            raise UserError(
                f"the mean gradient of target task {task} has length {float(length)}; a positive number was "
                f"expected. Look at the loss of `warmup`, or set attribute.precision to fp32."
            )
    return TaskGradients(
        tasks,
        {
            weights: torch.stack(
                [sums[weights] / length for sums, length in zip(sums_K, lengths_K, strict=True)]
            )
            for weights in reference.moments
        },
    )


def _summed(
    reference: Reference, rows: Sequence[EncodedRow], padded_tokens: int
) -> dict[Weights, torch.Tensor]:
    sums = {weights: torch.zeros_like(moments.first_D) for weights, moments in reference.moments.items()}

    def take(weights: Weights, gradient_BD: torch.Tensor) -> None:
        sums[weights] += gradient_BD.sum(0)

    by_length = sorted(rows, key=lambda row: -len(row.tokens))
    for batch in cut_batches(by_length, padded_tokens):
        backward(reference.model, reference.layers, batch, take)
    return sums


def similarities(
    reference: Reference,
    tasks: TaskGradients,
    direction: Direction,
    constants: AdamConstants,
    rows: Sequence[EncodedRow],
) -> list[Similarity]:
    """The similarity of each row, in the order of the rows, which go through the model together.

    A direction of length 0 has cosine 0 with everything.
    """
    device = reference.model.device
    products_BK = torch.zeros(len(rows), len(tasks.tasks), device=device)
    squares_B = torch.zeros(len(rows), device=device)
    take = comparing(reference, tasks, direction, constants, products_BK, squares_B)
    losses_B = backward(reference.model, reference.layers, rows, take)
    lengths_B1 = squares_B.sqrt().unsqueeze(1)
    cosines_BK = torch.where(lengths_B1 > 0, products_BK / lengths_B1, 0.0)
    return [
        Similarity(dict(zip(tasks.tasks, cosines, strict=True)), loss)
        for cosines, loss in zip(cosines_BK.tolist(), losses_B.tolist(), strict=True)
    ]


def comparing(
    reference: Reference,
    tasks: TaskGradients,
    direction: Direction,
    constants: AdamConstants,
    products_BK: torch.Tensor,
    squares_B: torch.Tensor,
) -> Take:
    """A function that takes a batch's gradients and adds to the products with the tasks and to squared
    lengths.
    """

    def take(weights: Weights, gradient_BD: torch.Tensor) -> None:
        moments: Moments = reference.moments[weights]
        direction_BD = direction(gradient_BD, moments, constants)
        products_BK.addmm_(direction_BD, tasks.by_weights[weights].T)
        squares_B.add_(torch.linalg.vector_norm(direction_BD, dim=1).square_())

    return take
