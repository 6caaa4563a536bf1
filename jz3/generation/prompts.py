"""Prompts as token ids, the way that a training encodes its inputs (jz3/lm/encode.py).

A token that the tokenizer puts at the beginning stays, an end token that it adds goes, and special tokens
that a text spells out are read as text.
"""

from collections.abc import Sequence
from typing import Any


def encode_prompts(tokenizer: Any, prompts: Sequence[str]) -> list[list[int]]:  # noqa: ANN401 (transformers')
    """Token ids of each prompt."""
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    spelled_out_as_text = backend.encode_special_tokens
    backend.encode_special_tokens = True
    encoded: list[list[int]] = [encoding.ids for encoding in backend.encode_batch(list(prompts))]
    backend.encode_special_tokens = spelled_out_as_text
    end = tokenizer.eos_token_id
    return [tokens[:-1] if tokens[-1:] == [end] else tokens for tokens in encoded]
