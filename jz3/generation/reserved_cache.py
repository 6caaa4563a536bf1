"""Keys and values of attention, kept in memory that is reserved ahead.

The cache of transformers joins what it has with each new token, and so copies all of it. Here a token is
written behind the last one, and the whole is copied once in `AHEAD` tokens. The model reads the same numbers.
Measured on the embedded synthesis model, 128 rows of some 200 tokens, one core: 1.15 to 1.25 times as many
tokens per CPU second; more where other work uses the memory, too.
"""

from typing import Any

import torch
from transformers.cache_utils import DynamicLayer

AHEAD = 64
"""Tokens that memory is reserved for (chosen: copies then cost a sixty-fourth of what they did)."""


class ReservedLayer(DynamicLayer):
    """The cache of one layer. Shapes: keys and values [rows, heads, tokens, width]."""

    def __init__(self, keys: torch.Tensor, values: torch.Tensor) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self._reserved = keys, values
        self._hold(keys.shape[-2])

    def update(
        self,
        key_states: torch.Tensor,
        value_states: torch.Tensor,
        *args: Any,  # noqa: ANN401, ARG002 (transformers' own signature)
        **kwargs: Any,  # noqa: ANN401, ARG002
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Add the tokens of a step; returns the keys and values of all tokens."""
        tokens = self.get_seq_length()
        end = tokens + key_states.shape[-2]
        if end > self._reserved[0].shape[-2]:
            keys, values = (_longer(held, tokens, end + AHEAD - 1) for held in self._reserved)
            self._reserved = keys, values
        for reserved, new in zip(self._reserved, (key_states, value_states), strict=True):
            reserved[..., tokens:end, :] = new
        return self._hold(end)

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep some rows."""
        keys, values = (reserved[indices] for reserved in self._reserved)
        self._reserved = keys, values
        self._hold(self.get_seq_length())

    def _hold(self, tokens: int) -> tuple[torch.Tensor, torch.Tensor]:
        keys, values = (reserved[..., :tokens, :] for reserved in self._reserved)
        self.keys, self.values = keys, values
        return keys, values


def _longer(held: torch.Tensor, tokens: int, length: int) -> torch.Tensor:
    """A copy of the first tokens, with memory for `length` tokens."""
    rows, heads, _, width = held.shape
    reserved = held.new_empty(rows, heads, length, width)
    reserved[..., :tokens, :] = held[..., :tokens, :]
    return reserved


def reserve_ahead(cache: Any) -> None:  # noqa: ANN401 (a Cache of transformers)
    """Let the layers of a cache that grow by copies grow in reserved memory; others stay as they are."""
    layers: list[Any] = cache.layers
    for number, layer in enumerate(layers):
        if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None:
            layers[number] = ReservedLayer(layer.keys, layer.values)
