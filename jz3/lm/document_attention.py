"""Attention over a row of documents end to end: causal and separate for each document, without padding.

Attention document by document costs half the sum of their squared lengths; a masked block costs its length
squared. For two documents per block that is four times less, and attention was half of the time of a small
model on a CPU. A caller of a model under this attention must pass `document_lengths`: without them it fails,
so that documents never see each other by mistake. Short documents in bfloat16 on a CPU go through
`jz3.lm.short_documents`, all others one by one through torch's kernel.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import AttentionInterface, PreTrainedModel

from jz3.lm.short_documents import LONGEST, attend_together

NAME = "jz3_documents"


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
    assert attention_mask is None, f"{type(module).__name__} hands a mask to attention that needs none"
    assert sliding_window is None or max(document_lengths) <= sliding_window, "a document outgrows the window"
    if _computed_in(query) == (torch.bfloat16, "cpu") and not dropout and max(document_lengths) <= LONGEST:
        return attend_together(query, key, value, document_lengths, scaling), None
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
    return torch.cat(attended, dim=2).transpose(1, 2).contiguous(), None


def _computed_in(query: torch.Tensor) -> tuple[torch.dtype, str]:
    """Number format and device of the products, which autocast may have changed."""
    device = query.device.type
    is_cast = torch.is_autocast_enabled(device)
    return torch.get_autocast_dtype(device) if is_cast else query.dtype, device


AttentionInterface.register(NAME, document_attention)


@contextmanager
def by_documents(model: PreTrainedModel) -> Generator[None]:
    """Give the model this attention until the block ends."""
    before = str(model.config._attn_implementation)  # pyright: ignore[reportPrivateUsage]
    model.set_attn_implementation(NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)
