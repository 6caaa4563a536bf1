"""Rows as token ids, with loss on the output alone.

Input and output are tokenised together, once; which tokens belong to the input is read from the character
offsets. A token that spans the border belongs to the input. Costs one batched call of the fast tokenizer and
a few look-ups a row (docs/performance.md).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jz3.core.text_tokens import text_encodings
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


@dataclass(frozen=True)
class FlatRows:
    """Many rows end to end: 4 bytes a token, where lists take ten times as much."""

    tokens: NDArray[np.int32]
    """[tokens]"""
    lengths: NDArray[np.int64]
    """[rows]"""
    inputs: NDArray[np.int64]
    """[rows] tokens at the head of each that bear no loss."""
    numbers: NDArray[np.int64]
    """[rows] of each in the table that it comes from."""


def encode_rows(
    tokenizer: "PreTrainedTokenizerFast", inputs: Sequence[str], outputs: Sequence[str], max_tokens: int
) -> list[EncodedRow | None]:
    """A row for each pair; None where it has more than `max_tokens` tokens.

    Special tokens that the texts spell out are read as text, so the end token stands once, at the end.
    """
    return [
        None if len(tokens) > max_tokens else EncodedRow(tokens, [*[IGNORED_LABEL] * first, *tokens[first:]])
        for tokens, first in _encoded(tokenizer, inputs, outputs)
    ]


def encode_flat(
    tokenizer: "PreTrainedTokenizerFast",
    numbers: Sequence[int],
    inputs: Sequence[str],
    outputs: Sequence[str],
    max_tokens: int,
) -> FlatRows:
    """As `encode_rows`, without the rows that are too long; `numbers` are those of the rows."""
    kept = [
        (number, tokens, first)
        for number, (tokens, first) in zip(numbers, _encoded(tokenizer, inputs, outputs), strict=True)
        if len(tokens) <= max_tokens
    ]
    return flat_rows([tokens for _, tokens, _ in kept], [f for *_, f in kept], [n for n, *_ in kept])


def flat_rows(tokens: Sequence[list[int]], inputs: Sequence[int], numbers: Sequence[int]) -> FlatRows:
    """Of the tokens of each row, how many of them are input, and its number."""
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    return FlatRows(
        np.fromiter(chain.from_iterable(tokens), np.int32, int(lengths.sum())),
        lengths,
        np.array(inputs, np.int64),
        np.array(numbers, np.int64),
    )


def joined_rows(parts: Sequence[FlatRows]) -> FlatRows:
    """All rows of at least one part, in order."""
    return FlatRows(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.numbers for part in parts]),
    )


def _encoded(
    tokenizer: "PreTrainedTokenizerFast", inputs: Sequence[str], outputs: Sequence[str]
) -> Iterator[tuple[list[int], int]]:
    """For each pair its tokens, with one end token, and how many of them are input."""
    texts = [before + after for before, after in zip(inputs, outputs, strict=True)]
    encodings = text_encodings(tokenizer, texts)
    end = end_token(tokenizer)
    for encoding, before, text in zip(encodings, inputs, texts, strict=True):
        tokens: list[int] = encoding.ids
        if tokens[-1:] != [end]:  # some tokenizers put it there themselves
            tokens.append(end)
        first = min(_first_output_token(encoding, len(before), len(text)), len(tokens) - 1)
        yield tokens, first


def _first_output_token(encoding: Any, border: int, length: int) -> int:  # noqa: ANN401
    """Index of the first token that starts at or behind the border."""
    token = next(
        (t for place in range(border, length) if (t := encoding.char_to_token(place)) is not None),
        len(encoding.ids),
    )
    while token < len(encoding.ids) and (place := encoding.token_to_chars(token)) and place[0] < border:
        token += 1
    return token
