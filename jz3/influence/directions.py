"""What training on a sample would do to a weight: the direction that is compared with the target's gradient.

`adam` is the direction in LESS's paper (arXiv 2402.04333), m / (sqrt(v) + epsilon) with the moments after the
sample's gradient is added; LESS's released code has the epsilon inside the root, where it outweighs v for
small gradients. Neither corrects the bias of the moments: that is a common factor, which a cosine ignores.
`plain` is the gradient itself.

Shapes: B samples, D weights of one matrix.
"""

# ruff: noqa: N803, N806 (names of tensors end in their shape)

from collections.abc import Callable
from dataclasses import dataclass

import torch

from jz3.influence.checkpoints import Moments


@dataclass(frozen=True)
class AdamConstants:
    """Constants of the warm-up's optimizer."""

    beta1: float
    beta2: float
    epsilon: float


Direction = Callable[[torch.Tensor, Moments, AdamConstants], torch.Tensor]
"""(gradients [B, D], moments of these weights, constants) -> directions [B, D]."""


def adam(gradient_BD: torch.Tensor, moments: Moments, constants: AdamConstants) -> torch.Tensor:
    """(b1 m + (1 - b1) g) / (sqrt(b2 v + (1 - b2) g^2) + epsilon)."""
    root_BD = _second(gradient_BD, moments, constants).sqrt_().add_(constants.epsilon)
    return _first(gradient_BD, moments, constants).div_(root_BD)


def adam_epsilon_inside(
    gradient_BD: torch.Tensor, moments: Moments, constants: AdamConstants
) -> torch.Tensor:
    """(b1 m + (1 - b1) g) / sqrt(b2 v + (1 - b2) g^2 + epsilon)."""
    root_BD = _second(gradient_BD, moments, constants).add_(constants.epsilon).sqrt_()
    return _first(gradient_BD, moments, constants).div_(root_BD)


def plain(
    gradient_BD: torch.Tensor,
    moments: Moments,  # noqa: ARG001 (a direction of its own, called as the others)
    constants: AdamConstants,  # noqa: ARG001
) -> torch.Tensor:
    return gradient_BD


DIRECTIONS: dict[str, Direction] = {
    "adam": adam,
    "adam_epsilon_inside": adam_epsilon_inside,
    "plain": plain,
}


def _first(gradient_BD: torch.Tensor, moments: Moments, constants: AdamConstants) -> torch.Tensor:
    return torch.add(moments.first_D * constants.beta1, gradient_BD, alpha=1 - constants.beta1)


def _second(gradient_BD: torch.Tensor, moments: Moments, constants: AdamConstants) -> torch.Tensor:
    return torch.addcmul(
        moments.second_D * constants.beta2, gradient_BD, gradient_BD, value=1 - constants.beta2
    )
