"""Money: what answers cost, and a cap that cannot be passed.

A request holds a reservation of its greatest cost before it is sent; the answer puts its true cost in its
place. Where the outcome is unknown (a lost connection after the request was sent), the reservation stays: it
may have been paid for.
"""

import asyncio

from jz3.core.execution import Price

OVERHEAD_TOKENS = 64
"""Tokens of a chat's frame around a prompt, at most (chosen; real frames have about ten)."""


def cost_usd(price: Price | None, prompt_tokens: int, completion_tokens: int) -> float:
    """USD; a model without a price is free."""
    if price is None:
        return 0.0
    return (prompt_tokens * price.input + completion_tokens * price.output) / 1e6


def greatest_cost_usd(price: Price | None, prompt: str, max_tokens: int) -> float:
    """USD that one request may cost: no token is less than a byte of text."""
    return cost_usd(price, len(prompt.encode("utf-8", "surrogatepass")) + OVERHEAD_TOKENS, max_tokens)


class Spending:
    """USD spent and reserved under a cap (None: no cap). For the tasks of one event loop."""

    def __init__(self, cap_usd: float | None, spent_usd: float) -> None:
        self.cap_usd = cap_usd
        self.spent_usd = spent_usd
        self._held_usd = 0.0
        self._in_flight = 0
        self._changed = asyncio.Condition()

    async def reserve(self, usd: float) -> bool:
        """Hold `usd`, once enough of what others hold is given back; False where that cannot come."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._fits(usd) or not self._in_flight)
            if not self._fits(usd):
                return False
            self._held_usd += usd
            self._in_flight += 1
            return True

    async def settle(self, reserved_usd: float, paid_usd: float) -> None:
        """The outcome of a request: what it cost, or the whole reservation where nobody knows."""
        async with self._changed:
            self._held_usd -= reserved_usd
            self._in_flight -= 1
            self.spent_usd += paid_usd
            self._changed.notify_all()

    def _fits(self, usd: float) -> bool:
        return self.cap_usd is None or self.spent_usd + self._held_usd + usd <= self.cap_usd
