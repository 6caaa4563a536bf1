"""Rows as token ids, with loss on the output alone.

Input and output are tokenised together, once; which tokens belong to the input is read from the character
offsets. A token that spans the border belongs to the input. Costs one batched call of the fast tokenizer and
a few look-ups a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jz3.lm.model import end_token

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

IGNORED_LABEL = -100
"""No loss where the label is this (torch's own default)."""


@dataclass(frozen=True)
class EncodedRow:
    """`labels` has the length of `tokens`: the token where there is loss on it, else -100."""

    tokens: list[int]
    labels: list[int]


def encode_rows(
    tokenizer: "PreTrainedTokenizerFast", inputs: Sequence[str], outputs: Sequence[str], max_tokens: int
) -> list[EncodedRow | None]:
    """A row for each pair; None where it has more than `max_tokens` tokens.

    Special tokens that the texts spell out are read as text, so the end token stands once, at the end.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    spelled_out_as_text = backend.encode_special_tokens
    backend.encode_special_tokens = True
    texts = [before + after for before, after in zip(inputs, outputs, strict=True)]
    encodings = backend.encode_batch(texts)
    backend.encode_special_tokens = spelled_out_as_text
    end = end_token(tokenizer)
    return [
        _row(encoding, len(before), len(text), end, max_tokens)
        for encoding, before, text in zip(encodings, inputs, texts, strict=True)
    ]


def _row(encoding: Any, border: int, length: int, end: int, max_tokens: int) -> EncodedRow | None:  # noqa: ANN401
    tokens: list[int] = encoding.ids
    if tokens[-1:] == [end]:  # some tokenizers put it there themselves
        tokens = tokens[:-1]
    if len(tokens) + 1 > max_tokens:
        return None
    first = min(_first_output_token(encoding, border, length), len(tokens))
    return EncodedRow([*tokens, end], [*[IGNORED_LABEL] * first, *tokens[first:], end])


def _first_output_token(encoding: Any, border: int, length: int) -> int:  # noqa: ANN401
    """Index of the first token that starts at or behind the border."""
    token = next(
        (t for place in range(border, length) if (t := encoding.char_to_token(place)) is not None),
        len(encoding.ids),
    )
    while token < len(encoding.ids) and (place := encoding.token_to_chars(token)) and place[0] < border:
        token += 1
    return token
