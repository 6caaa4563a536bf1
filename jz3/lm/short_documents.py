"""Causal attention of many short documents at once, by batched matrix products in bfloat16.

On a CPU torch's kernel is called once per document, and its backward pass in bfloat16 takes a third of the
whole training of a small model. Here documents of nearly equal length are padded to the longest of them and
go through five batched products, which a CPU with bfloat16 does four times as fast (docs/performance.md).
Scores are rounded to bfloat16, so that outputs are off by a quarter more than those of the kernel (measured).
The backward pass needs the weights of attention, `length` numbers per token and head: too many for long
documents.

Shapes: T tokens of the row, H heads, W width of a head, N documents of a group, L tokens of its longest one.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

LONGEST = 512
"""The most tokens of a document (chosen: the weights of attention are then part of what a layer keeps
anyway).
"""
GROUPED_BY = 32
"""Tokens by which lengths are grouped (chosen: for documents of some 100 tokens a tenth is padding)."""


@dataclass(frozen=True)
class _Group:
    """Documents of nearly equal length."""

    documents: int
    longest: int
    padded: torch.Tensor
    """[N x L] the token of the row at each place; any token for padding."""
    filled: torch.Tensor
    """[tokens of the group] the places that hold a token."""
    tokens: torch.Tensor
    """[tokens of the group] positions of these tokens in the row."""


def attend_together(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    document_lengths: list[int],
    scaling: float | None,
) -> torch.Tensor:
    """`query` is [1, H, T, W]; `key` and `value` have as many heads or a divisor of that. Returns [1, T, H,
    W] in bfloat16, or in their own format if that is not float32.
    """
    heads, width = query.shape[1], query.shape[3]
    scale = width**-0.5 if scaling is None else scaling
    rows: list[torch.Tensor] = []
    for tensor in (query, key, value):
        narrow = tensor.bfloat16() if tensor.dtype == torch.float32 else tensor
        shared = narrow.repeat_interleave(heads // tensor.shape[1], dim=1)
        rows.append(shared[0].transpose(0, 1))  # [T, H, W]
    attended: Any = _Together.apply(*rows, _groups(document_lengths), scale)
    return attended.unsqueeze(0)


def _groups(lengths: list[int]) -> list[_Group]:
    by_size: defaultdict[int, list[int]] = defaultdict(list)
    for number, length in enumerate(lengths):
        by_size[-(-length // GROUPED_BY)].append(number)
    sizes = np.array(lengths)
    starts = np.cumsum(sizes) - sizes
    groups: list[_Group] = []
    for _, numbers in sorted(by_size.items()):
        longest = int(sizes[numbers].max())
        places = np.arange(longest)
        is_filled = places < sizes[numbers][:, None]  # [N, L]
        tokens = starts[numbers][:, None] + np.where(is_filled, places, 0)
        groups.append(
            _Group(
                len(numbers),
                longest,
                torch.from_numpy(tokens.reshape(-1)),
                torch.from_numpy(np.flatnonzero(is_filled)),
                torch.from_numpy(tokens[is_filled]),
            )
        )
    return groups


class _Together(torch.autograd.Function):
    """From query, key and value, each [T, H, W] in one number format, to the attention's output [T, H, W]."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401 (torch's own, untyped)
        query: torch.Tensor,
        key: torch.Tensor,
        value: torch.Tensor,
        groups: list[_Group],
        scale: float,
    ) -> torch.Tensor:
        left = torch.empty(query.shape, dtype=query.dtype)
        kept: list[torch.Tensor] = []
        with torch.autocast("cpu", enabled=False):
            for group in groups:
                q, k, v = (_padded(row, group) for row in (query, key, value))  # [N x H, L, W]
                ahead = torch.full((group.longest, group.longest), -torch.inf, dtype=q.dtype).triu_(1)
                weights = torch.baddbmm(ahead, q, k.mT, alpha=scale).softmax(-1)  # [N x H, L, L]
                _unpad(torch.bmm(weights, v), group, left)
                kept += [q, k, v, weights]
        ctx.save_for_backward(*kept)
        ctx.groups, ctx.scale = groups, scale
        return left

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:  # noqa: ANN401
        (gradient,) = gradients
        of_query, of_key, of_value = (torch.empty(gradient.shape, dtype=gradient.dtype) for _ in range(3))
        for number, group in enumerate(ctx.groups):
            q, k, v, weights = ctx.saved_tensors[4 * number : 4 * number + 4]
            g = _padded_with_zeros(gradient, group)
            _unpad(torch.bmm(weights.mT, g), group, of_value)
            through = torch._softmax_backward_data(  # pyright: ignore[reportPrivateUsage]
                torch.bmm(g, v.mT), weights, -1, weights.dtype
            )
            _unpad(torch.bmm(through, k).mul_(ctx.scale), group, of_query)
            _unpad(torch.bmm(through.mT, q).mul_(ctx.scale), group, of_key)
        return of_query, of_key, of_value, None, None


def _padded(row: torch.Tensor, group: _Group) -> torch.Tensor:
    """[T, H, W] to [N x H, L, W]; padding comes last, so that no token before it sees it."""
    return _by_head(row.reshape(len(row), -1).index_select(0, group.padded), row, group)


def _padded_with_zeros(row: torch.Tensor, group: _Group) -> torch.Tensor:
    flat = row.reshape(len(row), -1)
    places = flat.new_zeros(group.documents * group.longest, flat.shape[1])
    return _by_head(places.index_copy_(0, group.filled, flat.index_select(0, group.tokens)), row, group)


def _by_head(places: torch.Tensor, row: torch.Tensor, group: _Group) -> torch.Tensor:
    _, heads, width = row.shape
    apart = places.view(group.documents, group.longest, heads, width).transpose(1, 2)
    return apart.reshape(-1, group.longest, width)


def _unpad(by_head: torch.Tensor, group: _Group, row: torch.Tensor) -> None:
    """Write [N x H, L, W] into the group's places of [T, H, W]."""
    _, heads, width = row.shape
    apart = by_head.view(group.documents, heads, group.longest, width).transpose(1, 2)
    chosen = apart.reshape(-1, heads * width).index_select(0, group.filled)
    row.view(len(row), -1).index_copy_(0, group.tokens, chosen)
