"""Requests to the servers of a model as a stream: each is sent as soon as there is room, and each completion
is returned as soon as it arrives.

The servers are asked from a separate thread, so that they are not idle while the stage writes rows or reads
prompts. Costs half a millisecond of one core per request (jz3/generation/client.py).
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import AbstractAsyncContextManager
from itertools import islice
from queue import Empty, SimpleQueue
from typing import Any

from jz3.core.errors import UserError
from jz3.generation.client import Completed
from jz3.generation.engine import Unwritten
from jz3.generation.outcomes import Setback, Stop, broken_off
from jz3.generation.pace import backoff_s
from jz3.generation.servers import Server, Servers

BEAT_S = 1.0
"""Seconds between two signals to the consumer while there is no completion."""
READ_AHEAD = 1.25
"""Requests that are ready, per request that may be in flight (chosen)."""
PIECE = 64
"""Requests that are read together (chosen)."""
ENDED_WAIT_S = 2.0
"""Seconds in which a server's end is noticed after its connections have broken (chosen; a process ends within
some hundredths of a second, and vLLM answers 500 for a second before that).
"""

Body = dict[str, Any]


Outcome = Completed | Unwritten
Outcomes = SimpleQueue[tuple[str, Outcome] | None]
Ready = asyncio.Queue[tuple[str, Body] | None]
Opened = Callable[[], AbstractAsyncContextManager[Servers]]


class Run:
    """One call of `ask`, as seen by the thread that sends."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self._task: asyncio.Task[None] | None = None

    def begin(self, work: Coroutine[Any, Any, None], outcomes: Outcomes) -> None:
        self._task = asyncio.get_running_loop().create_task(work)
        self._task.add_done_callback(lambda _: (self.over.set(), outcomes.put(None)))  # wakes the consumer

    def cancel(self) -> None:
        assert self._task is not None
        self._task.cancel()

    def check(self) -> None:
        """Raise the error that ended it early, if any."""
        assert self._task is not None
        self._task.result()


class Stream:
    """A thread with an event loop, and the servers in it; both last until `close`."""

    def __init__(self, opened: Opened, retries: int) -> None:
        self._opened, self._retries = opened, retries
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="servers", daemon=True)
        self._thread.start()
        self._context = opened()
        try:
            self._servers = self._result(self._context.__aenter__())
        except BaseException:
            self._end_loop()
            raise

    def close(self) -> None:
        """End the servers that are ours, and the thread."""
        try:
            self._result(self._context.__aexit__(None, None, None))
        finally:
            self._end_loop()

    def ask(self, asked: Iterator[tuple[str, Body]]) -> Generator[tuple[str, Outcome] | None]:
        """The outcome of each request, by its name, in any order; None for each second without one.

        Raises UserError if requests get no completion. Only one call may run at a time.
        """
        outcomes: Outcomes = SimpleQueue()
        run = Run()
        self._loop.call_soon_threadsafe(run.begin, self._run(asked, outcomes), outcomes)
        try:
            while not (run.over.is_set() and outcomes.empty()):
                try:
                    yield outcomes.get(timeout=BEAT_S)
                except Empty:
                    yield None
            run.check()
        finally:
            self._loop.call_soon_threadsafe(run.cancel)
            run.over.wait()

    async def _run(self, asked: Iterator[tuple[str, Body]], outcomes: "Outcomes") -> None:
        places = self._servers.concurrency * len(self._servers.all)
        ready: Ready = asyncio.Queue(int(places * READ_AHEAD) + 1)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(asked, ready))
                for _ in range(places):
                    tasks.create_task(self._work(ready, outcomes))
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _read(self, asked: Iterator[tuple[str, Body]], ready: "Ready") -> None:
        """Read requests in a thread: it takes time (files, tokens) for which those in flight need not
        wait.
        """
        while True:
            reading = self._loop.run_in_executor(None, lambda: list(islice(asked, PIECE)))
            try:
                piece = await asyncio.shield(reading)
            except asyncio.CancelledError:
                await asyncio.wait([reading])  # it must not be closed while it is being read
                raise
            for request in piece:
                await ready.put(request)
            if not piece:
                await ready.put(None)
                return

    async def _work(self, ready: "Ready", outcomes: "Outcomes") -> None:
        while (request := await ready.get()) is not None:
            outcomes.put((request[0], await self._one(request[1])))
        await ready.put(None)  # for the next worker

    async def _one(self, body: Body) -> Outcome:
        """Send one request, to as many servers and as often as necessary. Raises UserError if none
        answers.
        """
        servers = self._servers
        ends = setbacks = 0
        while True:
            server, number = await servers.take(ends)
            client, starts = server.client, server.starts
            assert client is not None
            busy = False
            try:
                outcome = await client.complete(body)
                if isinstance(outcome, Completed):
                    outcome = broken_off(outcome.finish_reason) or outcome
                busy = isinstance(outcome, Setback) and outcome.busy
            finally:
                servers.leave(server, number, ends, busy=busy)
            if isinstance(outcome, Completed):
                servers.answered(server)
                return outcome
            if isinstance(outcome, Stop):
                raise self._error(outcome.reason)
            unsent = not outcome.paid and not outcome.busy
            if await self._has_ended(server, starts, outcome):
                if unsent:  # the request was never at work there
                    continue
                if servers.bears(ends) == 1:
                    return Unwritten(f"ended {ends + 1} servers or more")
                ends += 1
                continue
            if unsent:
                servers.refused(server)
            # With several servers, each gets as many attempts as a single one would.
            setbacks += 1
            if not outcome.again or setbacks > self._retries * len(servers.all) + len(servers.all) - 1:
                raise self._error(outcome.reason)
            await asyncio.sleep(max(backoff_s((setbacks - 1) // len(servers.all)), outcome.wait_s or 0.0))

    def _error(self, reason: str) -> UserError:
        return UserError(f"the servers of the model give no completion ({reason}); {self._servers.advice}")

    async def _has_ended(self, server: Server, starts: int, outcome: Setback) -> bool:
        """Whether a server of ours ended its process during a request."""
        if starts == 0 or not outcome.again or outcome.busy:
            return False
        self._servers.doubt(server, starts)
        until = self._loop.time() + ENDED_WAIT_S
        while self._loop.time() < until:
            if server.client is None or server.starts != starts or server.gone:
                return True
            await asyncio.sleep(0.05)
        return False

    def _result(self, awaited: Any) -> Any:  # noqa: ANN401 (whatever it gives)
        """The result of a coroutine in the other thread; Ctrl-C reaches only this thread, so cancel it
        there.
        """
        running = asyncio.run_coroutine_threadsafe(awaited, self._loop)
        try:
            return running.result()
        except BaseException:
            running.cancel()
            raise

    def _end_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()
