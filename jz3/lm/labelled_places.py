"""Logits only where there is loss: the labelled places of a batch, and the loss there.

Importing this module imports torch, which takes a second.
"""

from typing import cast

import torch
from transformers import PreTrainedModel

from jz3.lm.encode import IGNORED_LABEL


class LabelledPlaces:
    """While open, a model's head sees only the places in `indices`: [B, L, D] becomes [N, D].

    `indices` [N] refer to the flattened batch; set them before each forward pass. Half of a row may be input,
    which bears no loss: its logits over the vocabulary would be wasted.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        self._head = cast("torch.nn.Module", model.get_output_embeddings())
        self.indices = torch.empty(0, dtype=torch.int64)

    def __enter__(self) -> "LabelledPlaces":
        self._handle = self._head.register_forward_pre_hook(self._narrow)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.remove()

    def _narrow(self, _head: torch.nn.Module, inputs: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor]:
        hidden = inputs[0]  # [B, L, D]
        return (hidden.reshape(-1, hidden.shape[-1]).index_select(0, self.indices),)


def labelled_places(targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The labels that bear loss, and their positions in the flattened targets: both [N]."""
    flat = targets.reshape(-1)
    indices = torch.nonzero(flat != IGNORED_LABEL).squeeze(1)
    return flat[indices], indices


def summed_loss(
    model: torch.nn.Module,
    tokens: torch.Tensor,
    positions: torch.Tensor,
    document_lengths: list[int],
    labelled: torch.Tensor,
) -> torch.Tensor:
    """The loss of documents end to end, in nats, summed over the labels [N] whose places the head sees.

    `tokens` and `positions` are [1, tokens]; the lengths add up to that number.
    """
    logits = model(
        input_ids=tokens, position_ids=positions, document_lengths=document_lengths
    ).logits  # [N, V]
    return torch.nn.functional.cross_entropy(logits.float(), labelled, reduction="sum")
