"""The servers of one model: which of them gets the next request, and what a failing one costs.

A request goes to the server with the fewest in flight, among those that answer. A server that refuses
connections rests for a while, longer each time, and its requests go to the others. A request that was at a
server whose process ended is a suspect: it is sent again with fewer and fewer other requests beside it, so
that the one that ends servers is identified and the others are not lost with it.
"""

import asyncio
import time
from dataclasses import dataclass, field

from jz3.core.errors import UserError
from jz3.generation.client import Client
from jz3.generation.pace import Window, backoff_s
from jz3.workers.batch import UnfitError

COMPANY = 8
"""Each time that a request's server ends, it shares the next one with this many times fewer (chosen: of 512
in flight, a guilty one is alone after three ends).
"""
LOOK_S = 0.25
"""Seconds between two looks whether a resting server may be asked again (chosen)."""


@dataclass
class Server:
    """One server: a place in the pool, whatever process runs there."""

    window: Window
    """How many requests may be in flight: fewer while the server says that it is busy."""
    client: Client | None = None
    """None while it does not run."""
    starts: int = 0
    """How many processes were started here, if the server is ours."""
    gone: bool = False
    """Given up: it did not come back."""
    proven: bool = False
    """Whether it has returned a completion since its process started."""
    rests_until: float = 0.0
    refusals: int = 0
    """Consecutive connections refused."""
    in_flight: dict[int, int] = field(default_factory=dict[int, int])
    """For each request there, by number, how many in flight it tolerates."""

    def room(self, most: int) -> bool:
        """Whether a request that tolerates `most` in flight may go there now."""
        strictest = min([most, self.window.width, *self.in_flight.values()])
        return self.client is not None and time.monotonic() >= self.rests_until and self._count < strictest

    @property
    def _count(self) -> int:
        return len(self.in_flight)


class Servers:
    """Servers of one model, each for at most `concurrency` requests at once. Belongs to one event loop."""

    def __init__(self, count: int, concurrency: int, advice: str) -> None:
        self.all = [Server(Window(concurrency)) for _ in range(count)]
        self.concurrency = concurrency
        self.advice = advice
        """For an error: what was expected of the servers and what to do."""
        self.failed: UserError | None = None
        """Why no server will answer any more."""
        self._suspects = 0
        self._changed = asyncio.Event()

    def bears(self, ends: int) -> int:
        """How many in flight, including itself, a request tolerates after `ends` of its servers have
        ended.
        """
        return max(1, self.concurrency // COMPANY**ends)

    async def take(self, ends: int) -> tuple[Server, int]:
        """A server with room, and the request's number there. Raises UnfitError with the message of `failed`
        if no server will answer.
        """
        self._suspects += ends > 0
        try:
            while True:
                self._must_not_have_failed()
                open_to = [server for server in self._open_to(ends) if server.room(self.bears(ends))]
                if open_to:
                    server = min(open_to, key=lambda server: len(server.in_flight))
                    number = await server.window.enter()
                    server.in_flight[number] = self.bears(ends)
                    return server, number
                await self._change()
        except BaseException:
            self._suspects -= ends > 0
            raise

    def _must_not_have_failed(self) -> None:
        if self.failed is not None:
            raise UnfitError(str(self.failed))  # on a cluster, other workers may have servers that run

    def leave(self, server: Server, number: int, ends: int, *, busy: bool) -> None:
        """Free a request's place at a server."""
        del server.in_flight[number]
        server.window.leave(number, busy=busy)
        self._suspects -= ends > 0
        self.notify()

    def answered(self, server: Server) -> None:
        """Note that the server has returned a completion."""
        server.refusals = 0
        server.proven = True

    def refused(self, server: Server) -> None:
        """Note a refused connection: the server is not asked for a while."""
        if time.monotonic() >= server.rests_until:
            server.rests_until = time.monotonic() + backoff_s(server.refusals)
            server.refusals += 1

    def doubt(self, server: Server, starts: int) -> None:
        """Note that a request broke there: nobody else asks it until it is known whether its process has
        ended.
        """
        if server.starts == starts:
            server.rests_until = max(server.rests_until, time.monotonic() + 2 * LOOK_S)

    def notify(self) -> None:
        """Wake those who wait."""
        self._changed.set()

    def _open_to(self, ends: int) -> list[Server]:
        """The servers for a request: while there are suspects, one server is theirs and is emptied for
        them. If possible it is one that works: on a broken card requests would end servers that are not to
        blame for it.
        """
        there = [server for server in self.all if server.client is not None]
        if not self._suspects:
            return there
        there.sort(key=lambda server: not server.proven)
        return there[:1] if ends else there[1:]

    async def _change(self) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(LOOK_S):
                await self._changed.wait()
        except TimeoutError:
            return
