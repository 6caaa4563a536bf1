"""Muon on the hidden matrices, AdamW on everything else, as one optimizer.

Muon (Jordan et al. 2024) orthogonalises the momentum of a matrix before it steps along it; embeddings, the
head, norms and biases stay with AdamW, as its authors advise. Both parts are torch's own, except that
matrices of one shape are orthogonalised together. A small model with random weights learns to copy numbers
from a question in less than half of the tokens that AdamW needs (docs/performance.md). Costs some small
matrix products per step: a tenth of the step of a model with 1.3M weights.
"""

import math
from collections import defaultdict
from collections.abc import Callable
from typing import Any, overload

import torch
from torch.optim import AdamW, Muon, Optimizer

STACKED = 2**22
"""The most numbers that are orthogonalised together (chosen: a larger matrix keeps all cores busy alone)."""


class StackedMuon(Muon):
    """Muon's steps by batched products over matrices of one shape; its state is that of Muon."""

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step of each matrix that has a gradient."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group in self.param_groups:
                for matrices in _by_shape(group["params"]):
                    self._move(matrices, group)
        return loss

    def _move(self, matrices: list[torch.Tensor], group: dict[str, Any]) -> None:
        """Update matrices of one shape, or of that shape transposed."""
        gradients = [matrix.grad for matrix in matrices if matrix.grad is not None]  # all have one
        for matrix in matrices:
            if "momentum_buffer" not in self.state[matrix]:
                self.state[matrix]["momentum_buffer"] = torch.zeros_like(matrix)
        means = [self.state[matrix]["momentum_buffer"] for matrix in matrices]
        torch._foreach_lerp_(means, gradients, 1 - group["momentum"])  # pyright: ignore[reportPrivateUsage]
        ahead = torch._foreach_lerp(gradients, means, group["momentum"])  # pyright: ignore[reportPrivateUsage] (Nesterov's)
        wide = torch.stack(
            [update.bfloat16() if _is_wide(update) else update.bfloat16().T for update in ahead]
        )
        updates = _orthogonal(wide, group["ns_coefficients"], group["ns_steps"], group["eps"])
        for matrix, update in zip(matrices, updates.unbind(), strict=True):
            rows, columns = matrix.shape
            matrix.mul_(1 - group["lr"] * group["weight_decay"])
            rate = group["lr"] * math.sqrt(max(1, rows / columns))
            matrix.add_(update if _is_wide(matrix) else update.T, alpha=-rate)


def _orthogonal(
    matrices: torch.Tensor, coefficients: tuple[float, float, float], steps: int, epsilon: float
) -> torch.Tensor:
    """Bring singular values close to 1 (Newton and Schulz). [matrices, rows, columns], rows <= columns."""
    a, b, c = coefficients
    near = matrices / matrices.norm(dim=(1, 2), keepdim=True).clamp(min=epsilon)
    for _ in range(steps):
        gram = torch.bmm(near, near.mT)
        near = torch.baddbmm(near, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), near, beta=a)
    return near


def _by_shape(matrices: list[torch.Tensor]) -> list[list[torch.Tensor]]:
    """Matrices with a gradient, grouped by shape in order: at most STACKED numbers, or a single larger
    matrix.
    """
    alike: defaultdict[tuple[int, int], list[torch.Tensor]] = defaultdict(list)
    for matrix in matrices:
        if matrix.grad is not None:
            alike[min(matrix.shape), max(matrix.shape)].append(matrix)
    stacks: list[list[torch.Tensor]] = []
    for (rows, columns), those in alike.items():
        together = max(1, STACKED // (rows * columns))
        stacks += [those[first : first + together] for first in range(0, len(those), together)]
    return stacks


def _is_wide(matrix: torch.Tensor) -> bool:
    return matrix.shape[0] <= matrix.shape[1]


class MuonAndAdamW(Optimizer):
    """`param_groups` are those of AdamW, then that of Muon. The parts hold the same objects, so a schedule
    can scale both learning rates.
    """

    def __init__(self, muon: Muon, adamw: AdamW) -> None:
        self._parts = (adamw, muon)
        super().__init__([group for part in self._parts for group in part.param_groups], {})

    @overload
    def step(self, closure: None = None) -> None: ...
    @overload
    def step(self, closure: Callable[[], float]) -> float: ...
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """One step of each part."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for part in self._parts:
            part.step()
        return loss

    def state_dict(self) -> dict[str, Any]:
        """The state of each part."""
        adamw, muon = self._parts
        return {"adamw": adamw.state_dict(), "muon": muon.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        adamw, muon = self._parts
        adamw.load_state_dict(state_dict["adamw"])
        muon.load_state_dict(state_dict["muon"])
        self.param_groups = [group for part in self._parts for group in part.param_groups]
