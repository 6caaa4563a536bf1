"""Money: what answers cost, and a cap that no number of processes can exceed.

A request reserves its greatest cost before it is sent; its answer replaces that by the true cost.
Reservations are in the row store, where every process that asks for the same set counts them. If the outcome
is unknown (a lost connection after the request was sent, a killed process), the reservation stays: it may
have been paid for, and a restart does not bring a new budget.
"""

import asyncio
import json
import uuid
from collections.abc import Container, Mapping
from dataclasses import dataclass
from typing import Any

from jz3.core.execution import Execution, Price
from jz3.generation.chat import CHAT, TEXTLESS, ChatAnswer, ChatRequest, believable, stored_answer
from jz3.store.row_store import Operation, RowStore, request_key
from jz3.store.writer import RowWriter

SENT = Operation("sent", 1)
"""A request about to be sent under a cap, with the most that it may cost."""
SETTLED = Operation("settled", 1)
"""A sent request whose outcome is known."""
OVERHEAD_TOKENS = 64
"""The most tokens of a chat's frame around a prompt (chosen; real frames have about ten)."""


def answer_usd(price: Price | None, answer: ChatAnswer) -> float:
    """What an answer cost, in USD; a model without a price is free."""
    if price is None:
        return 0.0
    uncached = answer.prompt_tokens - answer.cached_tokens
    list_usd = (
        uncached * price.input
        + answer.cached_tokens * price.cached_input
        + answer.completion_tokens * price.output
    ) / 1e6
    return list_usd * (1 - price.batch_discount) if answer.by_batch else list_usd


def paid_usd(price: Price | None, request: ChatRequest, answer: ChatAnswer) -> float:
    """What an answer counts as under a cap: the most it may have cost if its counts are not credible."""
    usd = answer_usd(price, answer)
    if answer.counted and (
        believable(answer.prompt_tokens, request.prompt)
        and believable(answer.completion_tokens, answer.reasoning + answer.text)
    ):
        return usd
    return max(usd, greatest_usd(price, request, by_batch=answer.by_batch))


def greatest_usd(price: Price | None, request: ChatRequest, *, by_batch: bool) -> float:
    """The most USD that one request may cost: a token has at least one byte of text."""
    if price is None:
        return 0.0
    tokens = _bytes(request.prompt) + _bytes(request.system or "") + OVERHEAD_TOKENS
    for read in (request.response_format, request.extra_body):
        tokens += _bytes(json.dumps(read)) if read else 0
    list_usd = (tokens * max(price.input, price.cached_input) + request.limit * price.output) / 1e6
    return list_usd * (1 - price.batch_discount) if by_batch else list_usd


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True)
class Reservation:
    """Money held for one attempt."""

    attempt: str
    usd: float


class Account:
    """What one set of requests has cost and may still cost, whoever sends them; read from the store."""

    def __init__(self, store: RowStore, prices: Mapping[str, Price], keys: Container[str]) -> None:
        self._prices, self._keys = prices, keys
        self._settlements, self._sendings = store.follow(SETTLED), store.follow(SENT)
        self._answers, self._textless = store.follow(CHAT, keys), store.follow(TEXTLESS)
        self._settled: set[str] = set()
        self._open: dict[str, float] = {}
        self._paid_usd = 0.0

    def usd(self) -> float:
        """USD paid for answers, or reserved by attempts whose outcome is unknown or not yet known.

        An outcome is written after its answer and read before it: so an answer that arrives in between counts
        twice for a moment, but is never missed.
        """
        for row in self._settlements.new():
            self._settled.add(row.request["attempt"])
            self._open.pop(row.request["attempt"], None)
        for row in self._answers.new():
            self._pay(row.request, row.result)
        for row in self._textless.new():
            if row.request["chat"] in self._keys:
                self._pay(row.request["asked"], row.result)
        for row in self._sendings.new():
            if row.request["chat"] in self._keys and row.request["attempt"] not in self._settled:
                self._open[row.request["attempt"]] = row.result["usd"]
        return self._paid_usd + sum(self._open.values())

    def _pay(self, request: Mapping[str, Any], result: Mapping[str, Any]) -> None:
        asked = ChatRequest(**request)
        self._paid_usd += paid_usd(self._prices.get(asked.model), asked, stored_answer(result))


class Spending:
    """USD spent and reserved on a set under a cap (None: no cap), by all processes that share the store.

    Reservations are made under a lock of the store. Serves the tasks of one event loop. Costs some half a
    millisecond per request if there is a cap, otherwise nothing.
    """

    def __init__(
        self,
        execution: Execution,
        keys: Container[str],
        store: RowStore,
        sent: RowWriter,
        settled: RowWriter,
    ) -> None:
        self.cap_usd = execution.budget_usd
        self.spent_usd = 0.0
        """USD paid and reserved at the last look."""
        self._store, self._sent, self._settled = store, sent, settled
        self._account = Account(store, execution.prices, keys)
        self._batches_usd = 0.0
        self._in_flight = 0
        self._changed = asyncio.Condition()
        self.look()

    def look(self) -> None:
        """Read what all processes have spent since."""
        if self.cap_usd is not None:
            self.spent_usd = self._account.usd() + self._batches_usd

    async def reserve(self, key: str, usd: float) -> Reservation | None:
        """Reserve `usd`, if necessary after this process has released enough; None if that will not
        happen.
        """
        if self.cap_usd is None:
            return Reservation("", usd)
        async with self._changed:
            while (reservation := self._held(key, usd)) is None and self._in_flight:
                await self._changed.wait()
            self._in_flight += reservation is not None
            return reservation

    def _held(self, key: str, usd: float) -> Reservation | None:
        """A reservation, if it fits under the cap with what everybody has spent and reserved."""
        with self._store.alone(SENT):
            self.look()
            return self._noted(key, usd) if self.has_room(usd) else None

    async def settle(self, reservation: Reservation, *, known: bool) -> None:
        """Release a reservation if the outcome is known, with any answer in the store; otherwise keep it."""
        if self.cap_usd is None:
            return
        async with self._changed:
            self._in_flight -= 1
            if known and reservation.usd:
                self._void(reservation)
            self._changed.notify_all()

    def has_room(self, usd: float) -> bool:
        """Whether the cap had room for `usd` at the last look."""
        return self.cap_usd is None or self.spent_usd + usd <= self.cap_usd

    def hold(self, usd: float) -> None:
        """Reserve money for a batch, whose own record preserves it over a restart."""
        self._batches_usd += usd
        self.look()

    def release(self, held_usd: float) -> None:
        """Release a batch's money once it has ended and its answers are in the store."""
        self._batches_usd -= held_usd
        self.look()

    def note_lost(self, key: str, usd: float) -> None:
        """Note a response that was paid for but is no answer."""
        if self.cap_usd is not None:
            self._noted(key, usd)

    def _noted(self, key: str, usd: float) -> Reservation:
        """Write a reservation into the journal before its request is sent."""
        reservation = Reservation(uuid.uuid4().hex, usd)
        if usd:
            attempt = {"attempt": reservation.attempt}
            self._sent.append(request_key(SENT, attempt), attempt | {"chat": key}, {"usd": usd})
            self._sent.flush()
        return reservation

    def _void(self, reservation: Reservation) -> None:
        attempt = {"attempt": reservation.attempt}
        self._settled.append(request_key(SETTLED, attempt), attempt, {})
        self._settled.flush()
