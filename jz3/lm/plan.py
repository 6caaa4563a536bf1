"""What is decided before a training's first step: the blocks of each step, and the optimizer's settings."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from jz3.core.errors import UserError
from jz3.core.params import Params

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel

EpochEnd = Callable[[int, "PreTrainedModel", "torch.optim.Optimizer", float, float], None]
"""(epoch from 0, model, optimizer, mean learning rate of its steps, mean loss of its label tokens)."""


class TrainingError(UserError):
    """A training cannot go on."""


class MuonParams(Params):
    """Torch's Muon: Nesterov momentum, orthogonalised in five steps of Newton and Schulz."""

    learning_rate: float = Field(gt=0)
    """The peak. It is multiplied by the root of rows / columns for a matrix with more rows than columns."""
    momentum: float = Field(ge=0, lt=1)


class OptimizerParams(Params):
    """AdamW, if requested Muon for the hidden matrices, and the limit on a step's gradient."""

    learning_rate: float = Field(gt=0)
    """The peak."""
    weight_decay: float = Field(ge=0)
    """Decay of matrices; vectors (norms, biases) do not decay."""
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    epsilon: float = Field(gt=0)
    gradient_clip: float = Field(gt=0)
    """The largest norm of a step's gradient."""
    precision: Literal["bf16", "fp32"]
    """`bf16` means autocast; weights and optimizer stay in float32."""
    muon: MuonParams | None
    """For matrices other than embedding and head; null: AdamW moves them, too."""


@dataclass(frozen=True)
class Plan:
    """The blocks of each step, and the number of steps done at the end of each epoch."""

    steps: list[NDArray[np.int64]]
    epochs: list[int]


def epoch_plan(blocks: int, epochs: int, blocks_per_step: int, seed: int) -> Plan:
    """Each block once per epoch, in an order drawn from (seed, epoch); the steps of an epoch differ by at
    most one block.

    The order comes from sorting raw Philox numbers: numpy keeps their stream fixed, unlike that of its
    shuffles.
    """
    orders = (
        np.argsort(np.random.Philox(key=[seed, epoch]).random_raw(blocks), kind="stable")
        for epoch in range(epochs)
    )
    return _joined_plan(step for order in orders for step in [cut_into_steps(order, blocks_per_step)])


def cut_into_steps(order: NDArray[np.int64], blocks_per_step: int) -> list[NDArray[np.int64]]:
    """The blocks in the given order, divided evenly over the fewest steps of at most `blocks_per_step`."""
    return np.array_split(order, max(1, math.ceil(len(order) / blocks_per_step)))


def _joined_plan(epochs: Iterable[list[NDArray[np.int64]]]) -> Plan:
    steps: list[NDArray[np.int64]] = []
    ends: list[int] = []
    for epoch in epochs:
        steps.extend(epoch)
        ends.append(len(steps))
    return Plan(steps, ends)
