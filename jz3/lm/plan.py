"""What is fixed before a training's first step: the blocks of each step, and the optimizer's settings."""

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
    """Muon of torch: momentum (Nesterov's), made orthogonal in five steps of Newton and Schulz."""

    learning_rate: float = Field(gt=0)
    """Peak; a matrix of more rows than columns takes the square root of their ratio times more."""
    momentum: float = Field(ge=0, lt=1)


class OptimizerParams(Params):
    """AdamW, where asked Muon for the hidden matrices, and how far a step may go."""

    learning_rate: float = Field(gt=0)
    """Peak."""
    weight_decay: float = Field(ge=0)
    """On matrices; vectors (norms, biases) do not decay."""
    beta1: float = Field(ge=0, lt=1)
    beta2: float = Field(ge=0, lt=1)
    epsilon: float = Field(gt=0)
    gradient_clip: float = Field(gt=0)
    """Largest norm of the gradient of a step."""
    precision: Literal["bf16", "fp32"]
    """`bf16`: autocast; weights and optimizer stay in float32."""
    muon: MuonParams | None
    """For matrices that are neither embedding nor head; null: AdamW moves them too."""


@dataclass(frozen=True)
class Plan:
    """The blocks of each step, and the number of steps done at the end of each epoch."""

    steps: list[NDArray[np.int64]]
    epochs: list[int]


def epoch_plan(blocks: int, epochs: int, blocks_per_step: int, seed: int) -> Plan:
    """Every block once an epoch, in an order drawn from (seed, epoch); steps of an epoch differ by one block.

    Raw Philox numbers are sorted: numpy keeps their stream fixed, unlike that of its shuffles.
    """
    orders = (
        np.argsort(np.random.Philox(key=[seed, epoch]).random_raw(blocks), kind="stable")
        for epoch in range(epochs)
    )
    return _joined_plan(step for order in orders for step in [cut_into_steps(order, blocks_per_step)])


def cut_into_steps(order: NDArray[np.int64], blocks_per_step: int) -> list[NDArray[np.int64]]:
    """Blocks in the order given, in as few steps as hold at most `blocks_per_step`, evenly."""
    return np.array_split(order, max(1, math.ceil(len(order) / blocks_per_step)))


def _joined_plan(epochs: Iterable[list[NDArray[np.int64]]]) -> Plan:
    steps: list[NDArray[np.int64]] = []
    ends: list[int] = []
    for epoch in epochs:
        steps.extend(epoch)
        ends.append(len(steps))
    return Plan(steps, ends)
