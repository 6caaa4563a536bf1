"""Servers' answers on their way into the row store, before anyone uses them, with a text or without.

An answer without a text is a failure of its row, and the next run asks again; but its thoughts were paid for.
They are kept as operation `textless`, one row per attempt.
"""

import uuid
from collections.abc import Generator
from contextlib import contextmanager

from jz3.generation.chat import CHAT, TEXTLESS, ChatRequest, as_answer, as_row
from jz3.generation.served_answers import Body
from jz3.store.row_store import RowStore, request_key
from jz3.store.writer import RowWriter


@contextmanager
def receiving(store: RowStore) -> Generator["Received"]:
    """The answers of one run; rows neither flushed nor committed when it ends are not written."""
    with store.writer(CHAT) as answers, store.writer(TEXTLESS) as textless:
        yield Received(answers, textless)


class Received:
    """Writers of answers. Raises the same errors as a RowWriter."""

    def __init__(self, answers: RowWriter, textless: RowWriter) -> None:
        self._answers, self._textless = answers, textless

    def keep(self, key: str, request: ChatRequest, body: Body, *, by_batch: bool) -> None:
        """Keep an answer to a request for the next flush or commit."""
        answer = as_answer(body, request, by_batch=by_batch)
        self._answers.append(key, request.row(), as_row(answer, body))

    def keep_textless(self, key: str, request: ChatRequest, body: Body, *, batch: str | None = None) -> None:
        """Keep an answer that has only thoughts, at once. `batch` is the nonce of the batch that it came
        from: if the batch is collected twice, the thoughts are kept once.
        """
        attempt = {"attempt": batch or uuid.uuid4().hex, "chat": key, "asked": request.row()}
        answer = as_answer(body, request, by_batch=batch is not None)
        self._textless.append(request_key(TEXTLESS, attempt), attempt, as_row(answer, body))
        self._textless.flush()

    def flush(self) -> None:
        """Make the answers survive this process."""
        self._answers.flush()

    def commit(self) -> None:
        """Make everything kept survive a power cut."""
        self._answers.commit()
        self._textless.commit()
