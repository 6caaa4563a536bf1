"""When a request may be sent: limits per minute, pauses that the server asks for, and waits after
failures.
"""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from jz3.generation.outcomes import Setback, Stop

T = TypeVar("T")

BURST_S = 1.0
"""Seconds' worth of a limit per minute that may be sent at once (chosen: servers count in seconds, too)."""
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 60.0
"""Seconds to wait after a failure: doubled from the first to the longest (chosen)."""


LOOK_S = 0.5
"""Seconds between two looks whether a pause has ended (chosen)."""


class Pace:
    """Limits of requests and tokens per minute, shared by all tasks."""

    def __init__(self, requests_per_minute: int, tokens_per_minute: int) -> None:
        self._requests = Bucket(requests_per_minute / 60)
        self._tokens = Bucket(tokens_per_minute / 60)
        self._not_before = 0.0

    async def wait(self, tokens: int) -> None:
        """Wait until a request that may cost this many tokens may be sent."""
        now = time.monotonic()
        if (limit := max(self._requests.take(1, now), self._tokens.take(tokens, now))) > 0:
            await asyncio.sleep(limit)
        while (pause := self._not_before - time.monotonic()) > 0:
            await asyncio.sleep(min(pause, LOOK_S))

    def pause(self, seconds: float) -> None:
        """Send nothing for some seconds, because the server is busy."""
        self._not_before = max(self._not_before, time.monotonic() + seconds)

    def end_pause(self) -> None:
        """End every wait: nothing will be sent."""
        self._not_before = 0.0


class Window:
    """How many requests may be in flight: halved when the server is busy, widened as it answers.

    Additive increase and multiplicative decrease, as in TCP; a refusal counts once for all requests that
    were in flight when it came.
    """

    def __init__(self, greatest: int) -> None:
        self._greatest = greatest
        self._width = float(greatest)
        self._in_flight = 0
        self._refused_until = 0
        self._sent = 0
        self._room = asyncio.Event()

    @property
    def width(self) -> int:
        """Requests that may be in flight now."""
        return int(self._width)

    async def enter(self) -> int:
        """Wait for a place; return the request's number, for `leave`."""
        while self._in_flight >= self.width:
            self._room.clear()
            await self._room.wait()
        self._in_flight += 1
        self._sent += 1
        return self._sent

    def leave(self, number: int, *, busy: bool) -> None:
        """Free the place of a finished request."""
        self._in_flight -= 1
        if not busy:
            self._width = min(self._greatest, self._width + 1 / self._width)
        elif number > self._refused_until:
            self._refused_until = self._sent
            self._width = max(1.0, self._width / 2)
        self._room.set()


class Turnstile:
    """Lets one task pass per turn of the event loop, first come first served.

    A connection writes a request one turn after the task has made it (aiohttp on Python 3.11). So after a
    hundred simultaneous answers, a hundred requests would be made before the first is written; they would
    be answered together again, and few would be in flight while this core processes them.
    """

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turning = False

    async def wait(self) -> None:
        """Wait for our turn."""
        loop = asyncio.get_running_loop()
        if self._turning:
            turn: asyncio.Future[None] = loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            self._turning = True
            loop.call_soon(self._let_next)

    def _let_next(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # otherwise its task was cancelled
                turn.set_result(None)
                asyncio.get_running_loop().call_soon(self._let_next)
                return
        self._turning = False


class Bucket:
    """A rate with some room for bursts; waiters are served in order."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._free_at = 0.0

    def take(self, amount: float, now: float) -> float:
        """Seconds to wait for `amount`, which counts as taken."""
        start = max(self._free_at, now - BURST_S)
        self._free_at = start + amount / self._per_second
        return max(0.0, start - now)


def backoff_s(attempt: int) -> float:
    """Seconds to wait after failure number `attempt` (from 0), randomised so that waiters do not return
    together.
    """
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**attempt) * random.uniform(0.5, 1.0)


async def patiently(ask: Callable[[], Awaitable[T | Setback | Stop]], retries: int) -> T | Setback | Stop:
    """The final result of `ask`: it is repeated, at most `retries` times, after setbacks that may pass. Each
    wait is the one that the server names or the back-off, whichever is longer.
    """
    for attempt in range(retries):
        outcome = await ask()
        if not isinstance(outcome, Setback) or not outcome.again:
            return outcome
        await asyncio.sleep(max(backoff_s(attempt), outcome.wait_s or 0.0))
    return await ask()


def asked_wait_s(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks us to wait (`retry-after-ms`, or `Retry-After` as seconds or as a date).

    A date is compared with the answer's own `Date`, because the server's clock may differ from ours.
    """
    milliseconds, text = headers.get("retry-after-ms"), headers.get("retry-after")
    if milliseconds is not None and (asked := _number(milliseconds)) is not None:
        return max(0.0, asked / 1000)
    if text is None:
        return None
    asked = _number(text)
    return _until(text, headers.get("date")) if asked is None else max(0.0, asked)


def _number(text: str) -> float | None:
    """A number, infinite if a float cannot hold it; None if the text is no number."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) or text.strip().isdigit() else None


def _until(date: str, now: str | None) -> float | None:
    moment = _moment(date)
    if moment is None:
        return None
    return max(0.0, (moment - (_moment(now or "") or datetime.now(UTC))).total_seconds())


def _moment(date: str) -> datetime | None:
    """An HTTP date; None for anything else, including years beyond the calendar's and odd time zones."""
    try:
        moment = parsedate_to_datetime(date)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
