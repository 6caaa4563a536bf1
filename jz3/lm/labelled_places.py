"""Logits only where there is loss: the labelled places of a batch, and the loss there.

Importing this module imports torch, which takes a second.
"""

from collections.abc import Callable
from itertools import accumulate
from typing import cast

import torch
from transformers import PreTrainedModel

from jz3.lm.encode import IGNORED_LABEL

CrossEntropy = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""The loss summed over labels, from logits [N, V] and labels [N]."""


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


def cross_entropy(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """In nats and float32, whatever the logits are in."""
    return torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum")


def summed_loss(
    model: torch.nn.Module,
    tokens: torch.Tensor,
    positions: torch.Tensor,
    document_lengths: list[int],
    labelled: torch.Tensor,
    loss: CrossEntropy = cross_entropy,
) -> torch.Tensor:
    """The loss of documents end to end, in nats, summed over the labels [N] whose places the head sees.

    `tokens` and `positions` are [1, tokens]; the lengths add up to that number.
    """
    starts = torch.tensor([0, *accumulate(document_lengths)], dtype=torch.int32, device=tokens.device)
    logits = model(
        input_ids=tokens, position_ids=positions, document_lengths=document_lengths, document_starts=starts
    ).logits  # [N, V]
    return loss(logits, labelled)
