"""Selectors by gradients as their papers have them: LESS with its projection, and TracIn.

Both see the checkpoints of one warm-up, weighted by the mean learning rate of each. Gradients are exact,
those of the adapter (jz3/influence/gradients.py), in float32. Costs a forward and backward pass per text and
checkpoint, the gradients of all texts in memory, and for LESS the random matrix and its product.

Shapes: N candidates, T targets, B texts, D weights of one matrix, P projected dimensions.
"""

# ruff: noqa: N803, N806 (names of tensors end in their shape)

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from jz3.influence.checkpoints import Reference
from jz3.influence.directions import AdamConstants, adam_epsilon_inside
from jz3.influence.gradients import backward, cut_batches
from jz3.influence.similarity import Weights
from jz3.lm.encode import EncodedRow

Array = NDArray[np.float64]
PROJECTED = 8192
"""LESS, section 4.1."""
BLOCK = 512
"""Columns of the random matrix at once (chosen: 200 MB for 10^5 weights)."""

Gradients = dict[Weights, torch.Tensor]
"""[texts, D] for each matrix of the adapter."""


def gradients(reference: Reference, rows: Sequence[EncodedRow], padded_tokens: int) -> Gradients:
    """The gradient of each row, in their order: the mean over its label tokens."""
    taken: dict[Weights, list[torch.Tensor]] = {weights: [] for weights in reference.moments}
    for batch in cut_batches(rows, padded_tokens):
        backward(
            reference.model,
            reference.layers,
            batch,
            lambda weights, found_BD: taken[weights].append(found_BD),
        )
    return {weights: torch.cat(parts) for weights, parts in taken.items()}


def less_cosines(
    reference: Reference, constants: AdamConstants, candidates: Gradients, targets: Gradients
) -> Array:
    """[N, T] at one checkpoint, as the released code of LESS has it (princeton-nlp/LESS): the candidates'
    Adam directions with the epsilon inside the root, the targets' plain gradients, both projected by one
    random matrix of signs and brought to length 1.
    """
    joined = (  # a matrix at a time: together they may take gigabytes
        torch.cat(
            [
                adam_epsilon_inside(candidates[weights], reference.moments[weights], constants),
                targets[weights],
            ]
        )
        for weights in sorted(candidates)
    )
    projected = _unit(_projected(joined))
    split = len(projected) - len(next(iter(targets.values())))
    return (projected[:split] @ projected[split:].T).double().numpy()


def tracin(candidates: Gradients, targets: Gradients) -> Array:
    """[N, T] at one checkpoint: plain inner products (TracIn-CP, arXiv 2002.08484, section 3.2)."""
    products = (found_ND @ targets[weights].T for weights, found_ND in candidates.items())
    return torch.stack(list(products)).sum(0).double().numpy()


def over_checkpoints(at_each: Iterable[tuple[float, Array]]) -> Array:
    """The sum of arrays, each weighted by its checkpoint's mean learning rate."""
    return np.sum([weight * found for weight, found in at_each], axis=0)


def _projected(matrices: Iterable[torch.Tensor]) -> torch.Tensor:
    """[texts, P] from [texts, D] of each matrix, by signs that the matrix's number and the block decide."""
    projected = torch.zeros(1, PROJECTED)
    for number, found in enumerate(matrices):
        signs_DP = torch.empty(found.shape[1], BLOCK)
        blocks: list[torch.Tensor] = []
        for start in range(0, PROJECTED, BLOCK):
            generator = torch.Generator().manual_seed(number * PROJECTED + start)
            signs_DP.bernoulli_(0.5, generator=generator).mul_(2).sub_(1)
            blocks.append(found @ signs_DP)
        projected = projected + torch.cat(blocks, dim=1)
    return projected


def _unit(vectors: torch.Tensor) -> torch.Tensor:
    return vectors / vectors.norm(dim=1, keepdim=True).clamp_min(torch.finfo(torch.float32).tiny)
