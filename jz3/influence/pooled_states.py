"""The vector of a text by a model: a weighted mean of the last hidden states of its tokens, scaled to length
1.

RDS+ (arXiv 2503.01807, section 3) weights the i-th of L tokens by i / (1 + ... + L), after SGPT (arXiv
2202.08904): a later state of a causal model has read more. Costs a forward pass. Rows are padded on the
right, where a causal model cannot look, and padded places have weight 0: padding changes a vector only by
rounding.

Shapes: B texts, L tokens, H features.
"""

# ruff: noqa: N806 (names of tensors end in their shape)

from collections.abc import Callable, Sequence

import torch
from transformers import PreTrainedModel

from jz3.influence.gradients import batch_of
from jz3.lm.encode import EncodedRow

Weigh = Callable[[int], torch.Tensor]
"""From the number of tokens of a text to weights [L] that add up to 1."""


def by_position(tokens: int) -> torch.Tensor:
    places_L = torch.arange(1, tokens + 1, dtype=torch.float32)
    return places_L / places_L.sum()


def evenly(tokens: int) -> torch.Tensor:
    return torch.full((tokens,), 1 / tokens)


def pooled_states(model: PreTrainedModel, rows: Sequence[EncodedRow], weigh: Weigh) -> torch.Tensor:
    """Vectors [B, H] in float32 on the CPU, in the order of the rows, which go through the model together."""
    with torch.no_grad():
        tokens_BL = batch_of(rows, model.device).tokens_BT
        states_BLH = model.base_model(input_ids=tokens_BL, use_cache=False).last_hidden_state.float().cpu()
    vectors = [
        weigh(len(row.tokens)) @ states_LH[: len(row.tokens)]
        for row, states_LH in zip(rows, states_BLH, strict=True)
    ]
    return torch.nn.functional.normalize(torch.stack(vectors), dim=1)
