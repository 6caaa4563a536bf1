"""Attention over a row of documents end to end: causal and separate for each document, without padding.

Attention document by document costs half the sum of their squared lengths; a masked block costs its length
squared. For two documents per block that is four times less, and attention was half of the time of a small
model on a CPU. A caller of a model under this attention must pass `document_lengths` (on a GPU also
`document_starts`): without them it fails, so that documents never see each other by mistake. In bfloat16 all
documents go through one kernel, on a GPU FlashAttention's and, if they are short, on a CPU that of
`jz3.lm.short_documents`; in float32, and with dropout, they go one by one through torch's.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface, PreTrainedModel

from jz3.lm.short_documents import LONGEST, attend_together

ON_CPU = "jz3_documents"
ON_GPU = "jz3_documents_on_gpu"
CAUSAL = (-1, 0)
"""`varlen_attn`'s window: all tokens before, none after."""


def document_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    document_lengths: list[int],
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,  # noqa: ANN401 (what models hand to every kind of attention)
) -> tuple[torch.Tensor, None]:
    """`query` is [1, heads, tokens, width]; `key` and `value` have as many heads or a divisor of that.

    Returns [1, tokens, heads, width], as models expect. `document_lengths` must add up to `tokens`.
    """
    _check(module, attention_mask, document_lengths, sliding_window)
    if _computed_in(query) == torch.bfloat16 and not dropout and max(document_lengths) <= LONGEST:
        return attend_together(query, key, value, document_lengths, scaling), None
    return _one_by_one(query, key, value, document_lengths, scaling, dropout), None


def document_attention_on_gpu(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    *,
    document_lengths: list[int],
    document_starts: torch.Tensor,
    scaling: float | None = None,
    dropout: float = 0.0,
    sliding_window: int | None = None,
    **_: Any,  # noqa: ANN401 (what models hand to every kind of attention)
) -> tuple[torch.Tensor, None]:
    """As `document_attention`. `document_starts` (int32, [documents + 1]) are the sums of the lengths, from 0
    to `tokens`: made once for a piece, because a layer would wait for their copy to the GPU.
    """
    _check(module, attention_mask, document_lengths, sliding_window)
    if dropout or _computed_in(query) != torch.bfloat16:
        return _one_by_one(query, key, value, document_lengths, scaling, dropout), None
    from torch.nn.attention.varlen import varlen_attn  # its import takes as long as torch's

    # Rotary embeddings leave float32 under autocast, which does not know this operation.
    query, key, value = (  # [tokens, heads, width]
        rows.squeeze(0).transpose(0, 1).to(torch.bfloat16) for rows in (query, key, value)
    )
    longest = max(document_lengths)
    attended = varlen_attn(
        query,
        key,
        value,
        document_starts,
        document_starts,
        longest,
        longest,
        scale=scaling,
        window_size=CAUSAL,
        enable_gqa=query.shape[1] != key.shape[1],
    )
    assert isinstance(attended, torch.Tensor)  # it is a pair only where more is asked for
    return attended.unsqueeze(0), None


def _check(
    module: torch.nn.Module,
    attention_mask: torch.Tensor | None,
    document_lengths: list[int],
    sliding_window: int | None,
) -> None:
    assert attention_mask is None, f"{type(module).__name__} hands a mask to attention that needs none"
    assert sliding_window is None or max(document_lengths) <= sliding_window, "a document outgrows the window"


def _one_by_one(
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    document_lengths: list[int],
    scaling: float | None,
    dropout: float,
) -> torch.Tensor:
    documents = (tensor.split(document_lengths, dim=2) for tensor in (query, key, value))
    attended = [
        torch.nn.functional.scaled_dot_product_attention(
            one_query,
            one_key,
            one_value,
            is_causal=True,
            dropout_p=dropout,
            scale=scaling,
            enable_gqa=query.shape[1] != key.shape[1],
        )
        for one_query, one_key, one_value in zip(*documents, strict=True)
    ]
    return torch.cat(attended, dim=2).transpose(1, 2).contiguous()


def _computed_in(query: torch.Tensor) -> torch.dtype:
    """Number format of the products, which autocast may have changed."""
    device = query.device.type
    return torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else query.dtype


AttentionInterface.register(ON_CPU, document_attention)
AttentionInterface.register(ON_GPU, document_attention_on_gpu)


@contextmanager
def by_documents(model: PreTrainedModel, device: str) -> Generator[None]:
    """Give the model the attention of `device` (cpu or cuda), on which it will run, until the block ends."""
    before = str(model.config._attn_implementation)  # pyright: ignore[reportPrivateUsage]
    model.set_attn_implementation(ON_GPU if device == "cuda" else ON_CPU)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
