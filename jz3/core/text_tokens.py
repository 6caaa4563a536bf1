"""Texts as token ids, the same for training and for prompts.

The content of a text stays text: if it spells out a special token, that is no mark. Padding and limits that
an earlier call set in the tokenizer are ignored.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tokenizers import Encoding


def text_encodings(tokenizer: Any, texts: Sequence[str]) -> list["Encoding"]:  # noqa: ANN401 (a fast tokenizer)
    """The encoding of each text, with the tokens that the tokenizer itself adds at its ends."""
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    before = backend.encode_special_tokens
    backend.encode_special_tokens = True
    try:
        return backend.encode_batch(list(texts))
    finally:
        backend.encode_special_tokens = before


def marked_encodings(tokenizer: Any, texts: Sequence[str]) -> list["Encoding"]:  # noqa: ANN401
    """The encoding of each text whose marks a chat template wrote: special tokens in it are marks, and the
    tokenizer adds none at the ends.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    return backend.encode_batch(list(texts), add_special_tokens=False)


def marked_ids(tokenizer: Any, text: str) -> list[int]:  # noqa: ANN401 (a fast tokenizer)
    """Token ids of a text whose marks a chat template wrote."""
    (encoding,) = marked_encodings(tokenizer, [text])
    return encoding.ids


def without_marks(tokenizer: Any, text: str) -> str:  # noqa: ANN401
    """The text with a blank inside each special token that it spells out, so that it is no longer a mark."""
    for mark in sorted(tokenizer.all_special_tokens, key=len, reverse=True):
        text = text.replace(mark, f"{mark[:1]} {mark[1:]}")
    return text
