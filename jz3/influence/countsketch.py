"""A rolled CountSketch: a vector of any length as `size` numbers, from which inner products can be estimated.

Each matrix of the adapter is cut into pieces of `size` weights; each weight gets a random sign, each piece is
rolled by a random number of places, and all pieces are added up. The sketch of a sum is the sum of the
sketches. The inner product of two sketches has the inner product of the vectors as its mean over seeds; for
vectors of length 1 its standard deviation is about 1 / sqrt(size). Signs and rolls are bits of SHAKE-128 over
seed, layer and matrix, so they are the same on every machine. Costs a multiplication and an addition per
weight, and memory for a copy of the adapter for the signs.

Shapes: B samples, K tasks, D weights of one matrix, S size of a sketch.
"""

# ruff: noqa: N803, N806, N815 (names of tensors end in their shape)

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from jz3.influence.checkpoints import Reference
from jz3.influence.directions import AdamConstants, Direction
from jz3.influence.gradients import backward
from jz3.influence.similarity import TaskGradients, Weights
from jz3.lm.encode import EncodedRow

ROLL_BYTES = 8


@dataclass(frozen=True)
class CountSketch:
    """`signs` [D] float32 and the roll of each piece, for each matrix of the adapter."""

    size: int
    signs: dict[Weights, torch.Tensor]
    rolls: dict[Weights, list[int]]

    def add(self, to_BS: torch.Tensor, weights: Weights, vectors_BD: torch.Tensor) -> None:
        """Add the sketches of the vectors' parts at one matrix."""
        signed_BD = vectors_BD * self.signs[weights]
        for roll, piece in zip(self.rolls[weights], signed_BD.split(self.size, dim=1), strict=True):
            width = piece.shape[1]
            before_end = min(width, self.size - roll)
            to_BS[:, roll : roll + before_end] += piece[:, :before_end]
            to_BS[:, : width - before_end] += piece[:, before_end:]


def count_sketch(lengths: Mapping[Weights, int], size: int, seed: int, device: str) -> CountSketch:
    """The sketch for vectors with these numbers of weights at the matrices."""
    signs: dict[Weights, torch.Tensor] = {}
    rolls: dict[Weights, list[int]] = {}
    for weights, length in lengths.items():
        pieces = -(-length // size)
        rolled = pieces * ROLL_BYTES
        name = "\x00".join((str(seed), *weights)).encode()
        drawn = hashlib.shake_128(name).digest(rolled + -(-length // 8))
        rolls[weights] = [int(number) % size for number in np.frombuffer(drawn[:rolled], "<u8")]
        bits = np.unpackbits(np.frombuffer(drawn[rolled:], np.uint8), count=length)
        signs[weights] = torch.from_numpy(bits).to(device, torch.float32).mul_(2).sub_(1)
    return CountSketch(size, signs, rolls)


def reference_sketch(reference: Reference, size: int, seed: int) -> CountSketch:
    """The sketch for gradients of a reference's adapter."""
    lengths = {weights: moments.first_D.numel() for weights, moments in reference.moments.items()}
    return count_sketch(lengths, size, seed, str(reference.model.device))


@dataclass(frozen=True)
class Sketched:
    """Sketches of several samples."""

    sketches_BS: torch.Tensor
    """Float32, of directions scaled to length 1; a direction of length 0 gives zeros."""
    losses_B: torch.Tensor
    """Mean over label tokens, in nats."""


def sketch_directions(
    reference: Reference,
    sketch: CountSketch,
    direction: Direction,
    constants: AdamConstants,
    rows: Sequence[EncodedRow],
) -> Sketched:
    """The sketch of each row's direction, in the order of the rows, which go through the model together."""
    device = reference.model.device
    sketches_BS = torch.zeros(len(rows), sketch.size, device=device)
    squares_B = torch.zeros(len(rows), device=device)

    def take(weights: Weights, gradient_BD: torch.Tensor) -> None:
        direction_BD = direction(gradient_BD, reference.moments[weights], constants)
        sketch.add(sketches_BS, weights, direction_BD)
        squares_B.add_(torch.linalg.vector_norm(direction_BD, dim=1).square_())

    losses_B = backward(reference.model, reference.layers, rows, take)
    lengths_B1 = squares_B.sqrt().unsqueeze(1)
    return Sketched(torch.where(lengths_B1 > 0, sketches_BS / lengths_B1, 0.0), losses_B)


def sketch_tasks(sketch: CountSketch, tasks: TaskGradients) -> torch.Tensor:
    """Sketches [K, S] of the tasks' gradients, in float32."""
    (device,) = {vectors_KD.device for vectors_KD in tasks.by_weights.values()}
    sketches_KS = torch.zeros(len(tasks.tasks), sketch.size, device=device)
    for weights, vectors_KD in tasks.by_weights.items():
        sketch.add(sketches_KS, weights, vectors_KD)
    return sketches_KS
