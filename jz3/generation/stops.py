"""Stop strings: noticed while tokens arrive, cut from the text at the end.

Decoding the last tokens for every new one would cost more than a small model's step, so they are decoded only
after a token that can contain the last character of a stop string.
"""

from typing import Any


class Decoder:
    """Decodes lists of tokens, and detects stop strings in them."""

    def __init__(self, tokenizer: Any, stop: list[str]) -> None:  # noqa: ANN401 (transformers' tokenizers)
        self._tokenizer = tokenizer
        self._hidden = frozenset(tokenizer.all_special_ids)
        self._stop = stop
        self._last = {text[-1] for text in stop}
        # Single tokens may lose blanks at their start or hold part of a character: then every token is
        # decoded.
        self._every = any(not last.isascii() or last.isspace() for last in self._last)
        self._tail = max((len(text.encode()) for text in stop), default=0) + 1
        self._may_end: dict[int, bool] = {}

    def stopped(self, tokens: list[int]) -> bool:
        """Whether the newest token completed a stop string."""
        if not self._stop or not self._token_may_end(tokens[-1]):
            return False
        # A visible token has at least one byte, so this many contain every stop string that ends here.
        return self._holds_stop(self._decode(self._visible(tokens, self._tail))) and self._holds_stop(
            self._decode(tokens)
        )

    def text(self, tokens: list[int]) -> str:
        """The text before the first stop string, without special tokens."""
        text = self._decode(tokens)
        return text[: min((text.find(stop) for stop in self._stop if stop in text), default=len(text))]

    def _holds_stop(self, text: str) -> bool:
        return any(stop in text for stop in self._stop)

    def _token_may_end(self, token: int) -> bool:
        if token in self._hidden:
            return False
        known = self._may_end.get(token)
        if known is None:
            known = self._every or not self._last.isdisjoint(self._decode([token]))
            self._may_end[token] = known
        return known

    def _visible(self, tokens: list[int], count: int) -> list[int]:
        """The last `count` tokens that are visible as text."""
        tail: list[int] = []
        for token in reversed(tokens):
            if token not in self._hidden:
                tail.append(token)
                if len(tail) == count:
                    break
        return tail[::-1]

    def _decode(self, tokens: list[int]) -> str:
        return self._tokenizer.decode(tokens, skip_special_tokens=True, clean_up_tokenization_spaces=False)
