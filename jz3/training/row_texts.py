"""Training rows as texts, in a training's format: with headings, or by a chat template."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Literal

import polars as pl

from jz3.core.params import Params
from jz3.lm.chat_rows import ChatForm
from jz3.lm.encode import MarkedText, joined_parts
from jz3.tables.turn import Turn, read_turns
from jz3.text.turn_text import plain_parts, without_earlier_thoughts

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


class RowForm(Params):
    """How the turns of a row become one text."""

    turns: Literal["plain", "chat"]
    """`plain`: with headings (`## Question`), and the end token at the end of the row; `chat`: written by the
    chat template of the base model.
    """
    earlier_thoughts: Literal["kept", "left_out"]
    """Thoughts of answers before the last question. An answer without its thought is read but not learnt,
    also if a chat template leaves the thought out by itself.
    """


class RowTexts:
    """Writes the rows of a table for one tokenizer."""

    def __init__(self, form: RowForm, tokenizer: "PreTrainedTokenizerFast") -> None:
        self.tokenizer = tokenizer
        self._form = form
        self._chat = ChatForm(tokenizer) if form.turns == "chat" else None

    def of(self, rows: pl.DataFrame) -> Iterator[MarkedText | None]:
        """The text of each row of a table with columns `kind` and `turns`; None for a row that the template
        refuses.
        """
        columns = rows.select("turns", "kind").to_dict(as_series=False)
        for turns, kind in zip(columns["turns"], columns["kind"], strict=True):
            yield self.text(read_turns(turns), kind)

    def text(self, turns: Sequence[Turn], kind: str) -> MarkedText | None:
        """The text of one row; None if the template refuses it."""
        if self._form.earlier_thoughts == "left_out":
            turns = without_earlier_thoughts(turns)
        return self._chat.text(turns) if self._chat else joined_parts(plain_parts(turns, kind))
