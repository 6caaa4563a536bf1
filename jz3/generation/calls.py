"""Requests sent one by one, many in flight at once, under shared limits, one window and one budget."""

import asyncio
import time
from collections import deque
from collections.abc import Iterator, Mapping
from itertools import islice

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import Execution
from jz3.core.progress import Progress
from jz3.generation.chat import CHAT, Body, ChatRequest, as_answer, as_row
from jz3.generation.openai import Client, Setback, Stop
from jz3.generation.pace import Pace, Window, backoff_s
from jz3.generation.spending import Spending, greatest_usd
from jz3.store.claims import Claims
from jz3.store.rows import RowStore
from jz3.store.writer import RowWriter

LONGEST_ASKED_WAIT_S = 600.0
"""A request whose server asks for a longer wait fails (chosen)."""
COMMIT_S = 1.0
"""Between two fsyncs; a kill of the process loses no answer, a power cut those of this time."""
CLAIMED_TOGETHER = 256
"""Requests claimed and looked up at once (chosen: a look-up costs as much for 256 as for one)."""
CLAIM_POLL_S = 0.1
"""Between two looks at what another process is asking for (chosen)."""


class CallRun:
    """One set of requests on its way to the store."""

    def __init__(
        self,
        client: Client,
        execution: Execution,
        spending: Spending,
        store: RowStore,
        answers: RowWriter,
        claims: Claims,
        bar: Progress,
    ) -> None:
        self._client, self._execution, self._spending = client, execution, spending
        self._store, self._answers, self._claims, self._bar = store, answers, claims, bar
        self._pace = Pace(execution.requests_per_minute, execution.tokens_per_minute)
        self._window = Window(execution.concurrency)
        self._failures: dict[str, str] = {}
        self._stopped: UserError | None = None
        """Why no more requests are sent."""
        self._received = 0
        self._commit_at = 0.0
        self._ready: deque[tuple[str, ChatRequest]] = deque()
        self._ours: set[str] = set()
        self._elsewhere: dict[str, ChatRequest] = {}
        self._filling = asyncio.Lock()

    async def run(self, pieces: Iterator[Mapping[str, ChatRequest]]) -> dict[str, str]:
        """Send what the store lacks; gives the reasons of those that failed, by key."""
        waiting = (item for piece in pieces for item in piece.items())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self._execution.concurrency):
                tasks.create_task(self._work(waiting))
        self._answers.commit()
        if self._stopped is not None:
            raise self._stopped
        return self._failures

    async def _work(self, waiting: Iterator[tuple[str, ChatRequest]]) -> None:
        """Take requests until there are none, or until all must stop. Those in flight are always finished."""
        while self._stopped is None and (following := await self._following(waiting)) is not None:
            key, request = following
            await self._reply(key, request)
            self._ours.discard(key)
            self._claims.give_back(key)

    async def _following(self, waiting: Iterator[tuple[str, ChatRequest]]) -> tuple[str, ChatRequest] | None:
        """The next request that is ours to send; None once every one has an answer, a failure or a sender."""
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
        """Make ready what nobody has answered and nobody else is asking for.

        The store is looked at once the claims are held: before, another process could answer in between.
        """
        new = {
            key: request for key, request in wanted.items() if key not in self._ours | self._failures.keys()
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

    async def _reply(self, key: str, request: ChatRequest) -> None:
        """An answer in the store, a failure, or neither where all must stop."""
        setback = Setback("was not sent", again=True, paid=False)
        attempts = self._execution.retries + 1
        for attempt in range(attempts):
            if attempt:
                await asyncio.sleep(self._wait_s(setback, attempt))
            await self._pace.wait(request.prompt_tokens + request.max_tokens)
            outcome = await self._attempt(key, request)
            if outcome is None:
                return
            setback = outcome
            if not setback.again or (setback.wait_s or 0) > LONGEST_ASKED_WAIT_S:
                break
        else:
            setback = Setback(f"{setback.reason} (attempt {attempts}, the last)", again=False, paid=False)
        self._failures[key] = setback.reason
        self._bar.advance()

    def _wait_s(self, setback: Setback, attempt: int) -> float:
        wait = max(backoff_s(attempt - 1), setback.wait_s or 0.0)
        if setback.wait_s is not None:
            self._pace.pause(setback.wait_s)
        return wait

    async def _attempt(self, key: str, request: ChatRequest) -> Setback | None:
        """None where nothing is left to do: the answer is in the store, or all must stop."""
        price = self._execution.prices.get(request.model)
        greatest = greatest_usd(price, request, by_batch=False)
        number = await self._window.enter()
        reservation = None if self._stopped is not None else await self._spending.reserve(key, greatest)
        if reservation is None:
            self._window.leave(number, busy=False)
            self._stop_at_budget(greatest)
            return None
        known, busy = False, False
        try:
            outcome = await self._client.chat(request)
            if isinstance(outcome, Body):
                self._keep(key, request, outcome)
                known = True
                return None
            if isinstance(outcome, Stop):
                known = True
                self._stop(outcome.reason)
                return None
            known, busy = not outcome.paid, outcome.busy
            return outcome
        finally:
            self._window.leave(number, busy=busy)
            await self._spending.settle(reservation, known=known)

    def _keep(self, key: str, request: ChatRequest, body: Body) -> None:
        """Into the journal before anyone uses it."""
        answer = as_answer(body, request, by_batch=False)
        self._answers.append(key, vars(request), as_row(answer, body))
        self._answers.flush()
        self._received += 1
        if time.monotonic() >= self._commit_at:
            self._answers.commit()
            self._commit_at = time.monotonic() + COMMIT_S
        self._bar.advance()

    def _stop(self, reason: str) -> None:
        self._stopped = self._stopped or UserError(
            f"{reason}. Mend it and run again: the {self._received} answers received are in the row store."
        )

    def _stop_at_budget(self, needed_usd: float) -> None:
        self._stopped = self._stopped or budget_reached(self._spending, needed_usd, self._received)


def budget_reached(spending: Spending, needed_usd: float, received: int) -> BudgetReached:
    """How far a run came."""
    return BudgetReached(
        f"stopped at the budget: {spending.spent_usd:.4f} USD of {spending.cap_usd} are spent or held, and "
        f"the next request may cost {needed_usd:.4f}; {received} answers came in this run. "
        f"Raise execution.budget_usd and run again: nothing is asked twice."
    )
