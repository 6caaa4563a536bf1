"""Requests sent one by one, many in flight at once, under shared limits, one window and one budget."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import Execution
from jz3.core.progress import Progress
from jz3.generation.chat import CHAT, ChatRequest
from jz3.generation.client import Client
from jz3.generation.outage import Outage
from jz3.generation.outcomes import Setback, Stop, Unanswered, unless_broken_off
from jz3.generation.pace import Pace, Window, backoff_s
from jz3.generation.received import Received
from jz3.generation.served_answers import Body
from jz3.generation.spending import Spending, greatest_usd
from jz3.store.claims import Claims
from jz3.store.row_store import RowStore

COMMIT_S = 1.0
"""Seconds between two fsyncs; a kill of the process loses no answer, a power cut those of this time."""
CLAIMED_TOGETHER = 256
"""Requests that are claimed and looked up together (chosen: a look-up costs as much for 256 as for one)."""
CLAIM_POLL_S = 0.1
"""Seconds between two looks at what another process is asking for (chosen)."""
WARN_S = 30.0
"""Seconds between two log lines about attempts that fail (chosen)."""

log = logging.getLogger(__name__)


class CallRun:
    """One set of requests on its way to the store."""

    def __init__(
        self,
        client: Client,
        execution: Execution,
        spending: Spending,
        store: RowStore,
        received: Received,
        claims: Claims,
        outage: Outage,
        bar: Progress,
    ) -> None:
        self._client, self._execution, self._spending = client, execution, spending
        self._store, self._answers, self._claims, self._bar = store, received, claims, bar
        self._pace = Pace(execution.requests_per_minute, execution.tokens_per_minute)
        self._window = Window(execution.concurrency)
        self._outage = outage
        self._unanswered = Unanswered({}, {})
        self._stopped: UserError | None = None
        """Why no more requests are sent."""
        self._stopping = asyncio.Event()
        self._setbacks, self._warn_at = 0, 0.0
        self._received = 0
        self._commit_at = 0.0
        self._ready: deque[tuple[str, ChatRequest]] = deque()
        self._ours: set[str] = set()
        self._elsewhere: dict[str, ChatRequest] = {}
        self._filling = asyncio.Lock()

    async def run(self, pieces: Iterator[Mapping[str, ChatRequest]]) -> Unanswered:
        """Send what the store lacks; return the reasons of requests without an answer."""
        waiting = (item for piece in pieces for item in piece.items())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._execution.concurrency):
                tasks.create_task(self._work(waiting))
        try:
            self._answers.commit()
        except (OSError, UserError) as error:
            self._stop_unwritable(error)
        if self._stopped is not None:
            raise self._stopped
        return self._unanswered

    async def _work(self, waiting: Iterator[tuple[str, ChatRequest]]) -> None:
        """Process requests until there are none left or all must stop. Those in flight are always
        finished.
        """
        while self._stopped is None and (following := await self._following(waiting)) is not None:
            key, request = following
            await self._reply(key, request)
            self._ours.discard(key)
            self._claims.give_back(key)

    async def _following(self, waiting: Iterator[tuple[str, ChatRequest]]) -> tuple[str, ChatRequest] | None:
        """The next request for us to send; None once every request has an answer, a failure or a sender."""
        while not self._ready and self._stopped is None:
            async with self._filling:
                if self._ready:
                    break
                taken = list(islice(waiting, CLAIMED_TOGETHER))
                if not taken and not self._elsewhere:
                    return None
                self._claim(dict(taken) or self._elsewhere)
                if not taken and not self._ready and self._elsewhere:
                    await asyncio.sleep(CLAIM_POLL_S)
        return self._ready.popleft() if self._ready else None

    def _claim(self, wanted: Mapping[str, ChatRequest]) -> None:
        """Queue the requests that nobody has answered and no other process is asking for.

        It claims them before it looks into the store; otherwise another process could answer in between.
        """
        new = {
            key: request
            for key, request in wanted.items()
            if key not in self._ours and not self._has_failed(key)
        }
        held = [key for key in new if self._claims.take(key)]
        stored = self._store.known(CHAT, new)
        for key, request in new.items():
            mine = key in held
            found_elsewhere = key in self._elsewhere
            self._elsewhere.pop(key, None)
            if key in stored:
                self._bar.advance(int(found_elsewhere))
                if mine:
                    self._claims.give_back(key)
            elif mine:
                self._ours.add(key)
                self._ready.append((key, request))
            else:
                self._elsewhere[key] = request

    def _has_failed(self, key: str) -> bool:
        return key in self._unanswered.failed or key in self._unanswered.delayed

    async def _reply(self, key: str, request: ChatRequest) -> None:
        """Try a request until it has an answer in the store or a failure, or until all must stop."""
        attempts = self._execution.retries + 1
        for attempt in range(attempts):
            await self._pace.wait(request.prompt_tokens + request.limit)
            setback = await self._attempt(key, request)
            if setback is None:
                return
            if setback.again:
                self._warn(setback)
            if not setback.again or attempt + 1 == attempts:
                self._fail(key, request, setback)
                return
            await self._wait(setback, attempt)
            if self._stopped is not None:
                return

    def _fail(self, key: str, request: ChatRequest, setback: Setback) -> None:
        """Record that a request gets no answer at all, or none in this run."""
        if setback.again:
            self._unanswered.delayed[key] = (
                f"{setback.reason} (attempt {self._execution.retries + 1}, the last)"
            )
        else:
            self._unanswered.failed[key] = setback.reason
        self._bar.advance()
        outage = self._outage.failed(request.prompt, setback)
        if outage is not None:
            self._stop(outage)

    def _warn(self, setback: Setback) -> None:
        self._setbacks += 1
        if time.monotonic() >= self._warn_at:
            log.warning("attempts without an answer so far: %d, the last: %s", self._setbacks, setback.reason)
            self._warn_at = time.monotonic() + WARN_S

    async def _wait(self, setback: Setback, attempt: int) -> None:
        """Wait for the next attempt, or until all must stop."""
        if setback.wait_s is not None:
            self._pace.pause(setback.wait_s)
        try:
            async with asyncio.timeout(max(backoff_s(attempt), setback.wait_s or 0.0)):
                await self._stopping.wait()
        except TimeoutError:
            return

    async def _attempt(self, key: str, request: ChatRequest) -> Setback | None:
        """Send a request once. Returns None if nothing is left to do: the answer is in the store, or all must
        stop.

        If the store cannot be written, nothing more is sent, but requests in flight are awaited.
        """
        number = await self._window.enter()
        busy = False
        try:
            outcome = await self._sent(key, request)
            busy = outcome is not None and outcome.busy
        except (OSError, UserError) as error:
            self._stop_unwritable(error)
            return None
        else:
            return outcome
        finally:
            self._window.leave(number, busy=busy)

    async def _sent(self, key: str, request: ChatRequest) -> Setback | None:
        price = self._execution.prices.get(request.model)
        greatest = greatest_usd(price, request, by_batch=False)
        reservation = None if self._stopped is not None else await self._spending.reserve(key, greatest)
        if reservation is None:
            self._stop_at_budget(greatest)
            return None
        known = self._stopped is not None  # it stopped while this request waited for money
        if known:
            await self._spending.settle(reservation, known=True)
            return None
        try:
            outcome = unless_broken_off(await self._client.chat(request))
            if isinstance(outcome, Body):
                self._keep(key, request, outcome)
            elif isinstance(outcome, Stop):
                self._stop(outcome.reason)
            elif outcome.textless is not None:
                self._answers.keep_textless(key, request, outcome.textless)
            known = not isinstance(outcome, Setback) or not outcome.paid or outcome.textless is not None
            return outcome if isinstance(outcome, Setback) else None
        finally:
            await self._spending.settle(reservation, known=known)

    def _keep(self, key: str, request: ChatRequest, body: Body) -> None:
        """Write an answer into the journal before anyone uses it."""
        self._answers.keep(key, request, body, by_batch=False)
        self._answers.flush()
        self._received += 1
        self._outage.answered()
        if time.monotonic() >= self._commit_at:
            self._answers.commit()
            self._commit_at = time.monotonic() + COMMIT_S
        self._bar.advance()

    def _stop(self, reason: str) -> None:
        self._end(
            UserError(
                f"{reason}. Run again once that is fixed: the {self._received} answers received are in the "
                f"row store, and none is asked for twice."
            )
        )

    def _stop_at_budget(self, needed_usd: float) -> None:
        self._end(budget_reached(self._spending, needed_usd, self._received))

    def _stop_unwritable(self, error: OSError | UserError) -> None:
        """Stop with the store's own error, or with one that quotes the operating system's."""
        told = isinstance(error, UserError)
        self._end(error if told else unwritable(self._store, error, self._received))

    def _end(self, why: UserError) -> None:
        """Send no more; the first reason is the one reported."""
        self._stopped = self._stopped or why
        self._stopping.set()
        self._pace.end_pause()


def unwritable(store: RowStore, error: OSError, received: int) -> UserError:
    """The error if answers cannot be kept."""
    return UserError(
        f"the row store at {store.root} cannot be written ({error.strerror or error}); room and permission "
        f"for its rows were expected. Fix that and run again: {received} answers of this run are in it."
    )


def budget_reached(spending: Spending, needed_usd: float, received: int) -> BudgetReached:
    """The error at the cap on money, which says how far the run came."""
    return BudgetReached(
        f"stopped at the budget: {spending.spent_usd:.4f} USD of {spending.cap_usd} are spent or held, and "
        f"the next request may cost {needed_usd:.4f}; {received} answers came in this run. "
        f"Raise execution.yaml:budget_usd and run again: nothing is asked twice."
    )
