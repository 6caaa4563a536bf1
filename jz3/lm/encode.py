"""Texts as token ids, with loss on the spans that are learnt.

A row is tokenised once, as a whole; character offsets show which tokens are learnt: those with all their
characters inside a span. Costs one batched call of the fast tokenizer and a few look-ups per row
(docs/performance.md).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jz3.core.text_tokens import marked_encodings, text_encodings
from jz3.lm.model import end_token

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

IGNORED_LABEL = -100
"""The label of a token without loss (torch's own default)."""

Span = tuple[int, int]
"""From the first to before the last: characters of a text, or tokens of a row."""


@dataclass(frozen=True)
class MarkedText:
    """A row as one text, and the character spans that are learnt: ascending, and none adjacent."""

    text: str
    learnt: tuple[Span, ...]
    templated: bool
    """Whether a chat template wrote the text: then its marks are special tokens and it has its own end.
    Otherwise special tokens that it spells out are text, and one end token closes the row.
    """


def joined_parts(parts: Iterable[tuple[str, bool]]) -> MarkedText:
    """Pieces of a plain text end to end, each learnt or not."""
    texts: list[str] = []
    learnt: list[Span] = []
    place = 0
    for text, learn in parts:
        end = place + len(text)
        if learn and learnt and learnt[-1][1] == place:
            learnt[-1] = (learnt[-1][0], end)
        elif learn and text:
            learnt.append((place, end))
        texts.append(text)
        place = end
    return MarkedText("".join(texts), tuple(learnt), templated=False)


@dataclass(frozen=True)
class EncodedRow:
    """`labels` has the length of `tokens`: the token if it bears loss, else -100."""

    tokens: list[int]
    labels: list[int]


@dataclass(frozen=True)
class FlatRows:
    """Many rows end to end: 5 bytes per token, where lists take ten times as much."""

    tokens: NDArray[np.int32]
    """[tokens]"""
    learnt: NDArray[np.bool_]
    """[tokens] whether each bears loss."""
    lengths: NDArray[np.int64]
    """[rows]"""
    numbers: NDArray[np.int64]
    """[rows] number of each in its table."""


def encode_rows(
    tokenizer: "PreTrainedTokenizerFast", inputs: Sequence[str], outputs: Sequence[str], max_tokens: int
) -> list[EncodedRow | None]:
    """A row for each pair, with loss on the output and the end token; None if it has more than `max_tokens`.

    Special tokens that the texts spell out are read as text, so the only end token is the one at the end.
    """
    pairs = zip(inputs, outputs, strict=True)
    texts = [
        MarkedText(before + after, ((len(before), len(before + after)),), templated=False)
        for before, after in pairs
    ]
    return [
        None if len(tokens) > max_tokens else EncodedRow(tokens, _labels(tokens, learnt))
        for tokens, learnt in _encoded(tokenizer, texts)
    ]


def _labels(tokens: list[int], learnt: list[Span]) -> list[int]:
    labels = [IGNORED_LABEL] * len(tokens)
    for first, end in learnt:
        labels[first:end] = tokens[first:end]
    return labels


def encode_flat(
    tokenizer: "PreTrainedTokenizerFast", numbers: Sequence[int], texts: Sequence[MarkedText], max_tokens: int
) -> FlatRows:
    """The texts that are not too long; all or none must be templated. `numbers` are those of the rows."""
    kept = [
        (number, tokens, learnt)
        for number, (tokens, learnt) in zip(numbers, _encoded(tokenizer, texts), strict=True)
        if len(tokens) <= max_tokens
    ]
    return flat_rows([tokens for _, tokens, _ in kept], [spans for *_, spans in kept], [n for n, *_ in kept])


def flat_rows(
    tokens: Sequence[list[int]], learnt: Sequence[Sequence[Span]], numbers: Sequence[int]
) -> FlatRows:
    """Join rows into flat arrays: each row's tokens, its spans of learnt tokens, and its number."""
    lengths = np.fromiter(map(len, tokens), np.int64, len(tokens))
    total = int(lengths.sum())
    with_loss = np.zeros(total, np.bool_)
    starts = np.cumsum(lengths) - lengths
    for start, spans in zip(starts.tolist(), learnt, strict=True):
        for first, end in spans:
            with_loss[start + first : start + end] = True
    return FlatRows(
        np.fromiter(chain.from_iterable(tokens), np.int32, total),
        with_loss,
        lengths,
        np.array(numbers, np.int64),
    )


def joined_rows(parts: Sequence[FlatRows]) -> FlatRows:
    """The rows of all parts, in order; there must be at least one part."""
    return FlatRows(
        np.concatenate([part.tokens for part in parts]),
        np.concatenate([part.learnt for part in parts]),
        np.concatenate([part.lengths for part in parts]),
        np.concatenate([part.numbers for part in parts]),
    )


def _encoded(
    tokenizer: "PreTrainedTokenizerFast", texts: Sequence[MarkedText]
) -> Iterator[tuple[list[int], list[Span]]]:
    """The tokens of each text, and its spans of learnt tokens."""
    templated = bool(texts) and texts[0].templated
    encodings = (marked_encodings if templated else text_encodings)(tokenizer, [one.text for one in texts])
    end = end_token(tokenizer)
    for encoding, text in zip(encodings, texts, strict=True):
        tokens: list[int] = encoding.ids
        length = len(text.text)
        learnt = [(_first_token(encoding, start, length), stop) for start, stop in text.learnt]
        spans = [(first, _token_behind(encoding, stop, length)) for first, stop in learnt]
        if templated:
            yield tokens, spans
            continue
        if tokens[-1:] != [end]:  # some tokenizers add it themselves
            tokens.append(end)
        if spans and text.learnt[-1][1] == length:  # the last speaker learns to end
            first = min(spans[-1][0], len(tokens) - 1)
            spans[-1] = (first, len(tokens))
        yield tokens, spans


def _first_token(encoding: Any, border: int, length: int) -> int:  # noqa: ANN401
    """Index of the first token that starts at or after the border."""
    token = _token_at(encoding, border, length)
    while token < len(encoding) and (place := encoding.token_to_chars(token)) and place[0] < border:
        token += 1
    return token


def _token_behind(encoding: Any, border: int, length: int) -> int:  # noqa: ANN401
    """Index of the first token that has a character after the border."""
    token = _token_at(encoding, border, length)
    # A token of blanks may have been trimmed: then it is empty, at the end of the blanks.
    while token and (place := encoding.token_to_chars(token - 1)) and place[0] == place[1] > border:
        token -= 1
    return token


def _token_at(encoding: Any, border: int, length: int) -> int:  # noqa: ANN401
    """Index of the token with the first character, from the border on, that has one."""
    return next(
        (t for place in range(border, length) if (t := encoding.char_to_token(place)) is not None),
        len(encoding),
    )
