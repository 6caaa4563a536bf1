"""Tokens drawn from logits by one uniform number per row and step.

Shapes: B rows, V vocabulary, T steps. The numbers of a row come from a counter-based generator (Philox) keyed
by the row's seed, so they depend neither on the other rows of its batch, nor on its place there, nor on the
device.
"""
# ruff: noqa: N803, N806 (names of tensors end in their shape)

import numpy as np
import torch
from numpy.typing import NDArray


def uniforms(seeds: list[int], steps: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) of shape (B, T). The first numbers of a row do not depend on T."""
    return np.stack([np.random.Generator(np.random.Philox(key=seed)).random(steps) for seed in seeds])


def draw(logits_BV: torch.Tensor, uniforms_B: torch.Tensor, temperature: float, top_p: float) -> torch.Tensor:
    """A token for each row. Temperature 0 takes the most likely, and the first of equals."""
    if temperature == 0:
        return logits_BV.argmax(dim=-1)
    probabilities_BV = torch.softmax(logits_BV.double() / temperature, dim=-1)
    if top_p == 1:
        return _invert(probabilities_BV, uniforms_B)
    ranked_BV, tokens_BV = probabilities_BV.sort(dim=-1, descending=True, stable=True)
    before_BV = ranked_BV.cumsum(dim=-1) - ranked_BV
    ranks_B = _invert(ranked_BV.masked_fill(before_BV >= top_p, 0.0), uniforms_B)
    return tokens_BV.gather(-1, ranks_B[:, None])[:, 0]


def _invert(weights_BV: torch.Tensor, uniforms_B: torch.Tensor) -> torch.Tensor:
    """The first index at which the cumulative weight exceeds the uniform share of the total."""
    cumulative_BV = weights_BV.cumsum(dim=-1)
    totals_B = cumulative_BV[:, -1]
    # A number close to 1 may round up to the total, beyond the last token that can be drawn.
    aims_B = torch.minimum(uniforms_B * totals_B, torch.nextafter(totals_B, torch.zeros_like(totals_B)))
    return torch.searchsorted(cumulative_BV, aims_B[:, None], right=True)[:, 0]
