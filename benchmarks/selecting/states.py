"""Selectors by the states of a model: RDS+ and nearest neighbours.

A text is its prompt and solution; its vector is a mean of the last hidden states of its tokens. Costs one
forward pass a text.

Shapes: N candidates, T targets, B texts of a batch, L tokens, H features.
"""

# ruff: noqa: N806 (names of tensors end in their shape)

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from jz3.lm.encode import EncodedRow

Array = NDArray[np.float64]
Weigh = Callable[[int], torch.Tensor]
"""Tokens of a text -> weights [L] that add up to 1."""


def by_position(tokens: int) -> torch.Tensor:
    """I / (1 + ... + L) for the i-th token: later states have read more (RDS+, arXiv 2503.01807, section 3,
    after SGPT, arXiv 2202.08904).
    """
    places_L = torch.arange(1, tokens + 1, dtype=torch.float32)
    return places_L / places_L.sum()


def evenly(tokens: int) -> torch.Tensor:
    return torch.full((tokens,), 1 / tokens)


def state_cosines(
    model: PreTrainedModel, candidates: Sequence[EncodedRow], targets: Sequence[EncodedRow], weigh: Weigh
) -> Array:
    """[N, T]: cosines of the texts' vectors."""
    vectors_NH, vectors_TH = (pooled(model, rows, weigh) for rows in (candidates, targets))
    return (vectors_NH @ vectors_TH.T).double().numpy()


def pooled(model: PreTrainedModel, rows: Sequence[EncodedRow], weigh: Weigh) -> torch.Tensor:
    """[rows, H] of length 1, in the order of the rows, one text at a time: no padding is in any mean."""
    found: list[torch.Tensor] = []
    with torch.no_grad():
        for row in rows:
            tokens_1L = torch.tensor([row.tokens], device=model.device)
            states_LH = model.base_model(input_ids=tokens_1L, use_cache=False).last_hidden_state[0]
            mean_H = weigh(len(row.tokens)) @ states_LH.float().cpu()
            found.append(mean_H / mean_H.norm())
    return torch.stack(found)
