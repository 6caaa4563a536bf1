"""Money: what answers cost, and a cap that cannot be passed.

A request holds a reservation of its greatest cost before it is sent; the answer puts its true cost in its
place. Where the outcome is unknown (a lost connection after the request was sent, a killed process), the
reservation stays, in the row store, too: it may have been paid for, and a restart is no new budget.
"""

import asyncio
import uuid
from dataclasses import dataclass

from jz3.core.execution import Price
from jz3.generation.chat import ChatAnswer, ChatRequest
from jz3.store.rows import Operation, RowStore, request_key
from jz3.store.writer import RowWriter

SENT = Operation("sent", 1)
"""A request about to be sent under a cap, with the most that it may cost."""
SETTLED = Operation("settled", 1)
"""A sent request whose outcome is known."""
OVERHEAD_TOKENS = 64
"""Tokens of a chat's frame around a prompt, at most (chosen; real frames have about ten)."""


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


def greatest_usd(price: Price | None, request: ChatRequest, *, by_batch: bool) -> float:
    """USD that one request may cost: no token is less than a byte of text."""
    if price is None:
        return 0.0
    tokens = len(request.prompt.encode("utf-8", "surrogatepass")) + OVERHEAD_TOKENS
    list_usd = (tokens * price.input + request.max_tokens * price.output) / 1e6
    return list_usd * (1 - price.batch_discount) if by_batch else list_usd


@dataclass(frozen=True)
class Reservation:
    """Money held for one attempt."""

    attempt: str
    usd: float


class Spending:
    """USD spent and reserved under a cap (None: no cap). For the tasks of one event loop."""

    def __init__(self, cap_usd: float | None, spent_usd: float, sent: RowWriter, settled: RowWriter) -> None:
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        self._sent, self._settled = sent, settled
        self._held_usd = 0.0
        self._in_flight = 0
        self._changed = asyncio.Condition()

    async def reserve(self, key: str, usd: float) -> Reservation | None:
        """Hold `usd`, once enough of what others hold is given back; None where that cannot come."""
        if self.cap_usd is None:
            return Reservation("", usd)
        async with self._changed:
            await self._changed.wait_for(lambda: self._fits(usd) or not self._in_flight)
            if not self._fits(usd):
                return None
            self._held_usd += usd
            self._in_flight += 1
            return self._noted(key, usd)

    async def settle(self, reservation: Reservation, paid_usd: float | None) -> None:
        """The outcome of a request: what it cost, or None where nobody knows."""
        if self.cap_usd is None:
            self.spent_usd += paid_usd or 0.0
            return
        async with self._changed:
            self._held_usd -= reservation.usd
            self._in_flight -= 1
            self.spent_usd += reservation.usd if paid_usd is None else paid_usd
            if paid_usd is not None and reservation.usd:
                self._void(reservation)
            self._changed.notify_all()

    def has_room(self, usd: float) -> bool:
        """Whether so much more may be held now."""
        return self._fits(usd)

    def hold(self, usd: float) -> None:
        """Hold money for a batch, whose own record keeps it over a restart."""
        self._held_usd += usd

    def release(self, held_usd: float, paid_usd: float) -> None:
        """A batch has ended."""
        self._held_usd -= held_usd
        self.spent_usd += paid_usd

    def note_lost(self, key: str, usd: float) -> None:
        """Something came back for a request that was paid for and is no answer."""
        self.spent_usd += usd
        if self.cap_usd is not None:
            self._noted(key, usd)

    def _fits(self, usd: float) -> bool:
        return self.cap_usd is None or self.spent_usd + self._held_usd + usd <= self.cap_usd

    def _noted(self, key: str, usd: float) -> Reservation:
        """In the journal before the request is on its way."""
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


def unknown_usd(store: RowStore) -> dict[str, float]:
    """By key of the request: what may have been paid in attempts whose outcome nobody knows, in all runs."""
    settled = {row.request["attempt"] for row in store.rows(SETTLED)}
    unknown: dict[str, float] = {}
    for row in store.rows(SENT):
        if row.request["attempt"] not in settled:
            key = row.request["chat"]
            unknown[key] = unknown.get(key, 0.0) + row.result["usd"]
    return unknown
