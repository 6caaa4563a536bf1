"""Selectors by the states of a model: RDS+ and nearest neighbours.

A text is its prompt and solution; its vector is a mean of the last hidden states of its tokens, weighted by
position for RDS+ and evenly for nearest neighbours. Costs one forward pass per text, one text at a time: no
mean includes padding.

Shapes: N candidates, T targets, H features.
"""

# ruff: noqa: N806 (names of arrays end in their shape)

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import PreTrainedModel

from jz3.influence.pooled_states import Weigh, pooled_states
from jz3.lm.encode import EncodedRow

Array = NDArray[np.float64]


def state_cosines(
    model: PreTrainedModel, candidates: Sequence[EncodedRow], targets: Sequence[EncodedRow], weigh: Weigh
) -> Array:
    """[N, T]: cosines of the texts' vectors."""
    vectors_NH, vectors_TH = (
        torch.cat([pooled_states(model, [row], weigh) for row in rows]) for rows in (candidates, targets)
    )
    return (vectors_NH @ vectors_TH.T).double().numpy()
