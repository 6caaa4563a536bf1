"""Batch mode: the same requests in a provider's batches, slower and usually at half the price.

Promises:

- Results are matched by `custom_id`, which is the row's key, never by order.
- The answers of an expired, cancelled or partly failed batch are kept, and only the rest is sent again.
- A batch that was begun before the process died is found and collected, even if the process died before it
  learnt the batch's id.

One process at a time sends batches from a store. Uses next to no CPU; memory for the answers of one batch.
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain
from typing import TypeVar

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.progress import Progress
from jz3.generation.batch_protocol import Batches
from jz3.generation.batch_records import KEY_LENGTH, Record, SentBatches, alone, enqueued
from jz3.generation.batch_results import Batch, Results, read_results
from jz3.generation.calls import budget_reached, unwritable
from jz3.generation.chat import CHAT, ChatRequest
from jz3.generation.outage import Outage
from jz3.generation.outcomes import Setback, Stop, Unanswered
from jz3.generation.pace import backoff_s, patiently
from jz3.generation.received import Received
from jz3.generation.served_answers import Body
from jz3.generation.spending import Spending, greatest_usd
from jz3.store.row_store import RowStore

log = logging.getLogger(__name__)

T = TypeVar("T")

ENDED = ("completed", "failed", "expired", "cancelled")
TOO_MANY_TOKENS = "token_limit_exceeded"
COMMIT_ANSWERS = 1_000
"""Answers of a result file that are committed together (chosen)."""


@dataclass
class Draft:
    """Requests for one file."""

    requests: dict[str, ChatRequest] = field(default_factory=dict[str, ChatRequest])
    bytes: int = 0
    tokens: int = 0
    usd: float = 0.0


class BatchRun:
    """One set of requests on its way to the store, in batch files."""

    def __init__(
        self,
        provider: Batches,
        execution: Execution,
        spending: Spending,
        store: RowStore,
        received: Received,
        outage: Outage,
        bar: Progress,
    ) -> None:
        self._provider, self._execution, self._spending = provider, execution, spending
        self._store, self._answers, self._bar = store, received, bar
        self._limits = execution.batch_files
        self._token_limit = self._limits.enqueued_tokens
        self._sent = SentBatches(store)
        self._pending: dict[str, Record] = {}
        self._outage = outage
        self._failures: dict[str, str] = {}
        self._unanswered: dict[str, str] = {}
        """Requests that came back without an answer, and why; they will be sent again."""
        self._received = 0

    async def run(self, pieces: Callable[[], Iterator[Mapping[str, ChatRequest]]]) -> Unanswered:
        """Send what the store lacks, in rounds; return the reasons of requests without an answer."""
        try:
            await self._rounds(pieces)
        except OSError as error:
            raise unwritable(self._store, error, self._received) from error
        return Unanswered(self._failures, self._unanswered)

    async def _rounds(self, pieces: Callable[[], Iterator[Mapping[str, ChatRequest]]]) -> None:
        with alone(self._sent.folder):
            self._spending.look()
            await self._adopt()
            rounds = 0
            while rounds <= self._execution.retries:
                token_limit = self._token_limit
                self._unanswered.clear()
                if not await self._round(pieces()) and not self._unanswered:
                    break
                rounds += int(self._token_limit == token_limit)  # a batch that never began is no attempt

    async def _adopt(self) -> None:
        """Take over the batches that an earlier process sent."""
        for record in self._sent.records():
            if record.batch_id is None:
                batch = await self._found(record)
                if batch is None:
                    self._sent.forget(record)
                    continue
                record.batch_id = batch.id
                self._sent.save(record)
            log.info("batch %s, sent on %s, is resumed", record.batch_id, record.sent_on)
            self._pending[record.nonce] = record
            self._spending.hold(record.usd)

    async def _round(self, pieces: Iterator[Mapping[str, ChatRequest]]) -> int:
        """Send every request that has no answer, has not failed and waits in no batch; wait for all of
        them.
        """
        draft, sent = Draft(), 0
        waiting = enqueued(self._store)
        for piece in pieces:
            stored = self._store.known(CHAT, piece)
            for key, request in piece.items():
                if key in stored or key in waiting or key in self._failures:
                    continue
                if draft.requests and not self._fits(draft, request):
                    await self._send(draft)
                    draft = Draft()
                while not draft.requests and not self._fits(draft, request):
                    if not self._pending:
                        usd = self._greatest_usd(request)
                        raise budget_reached(self._spending, usd, self._received)
                    await self._wait()
                waiting.add(key)
                self._add(draft, key, request)
                sent += 1
        if draft.requests:
            await self._send(draft)
        while self._pending:
            await self._wait()
        return sent

    def _fits(self, draft: Draft, request: ChatRequest) -> bool:
        """Whether a file may grow by a request. Money is the only limit on the first request."""
        if not self._spending.has_room(draft.usd + self._greatest_usd(request)):
            return False
        waiting = sum(record.tokens for record in self._pending.values())
        if not draft.requests and not waiting:
            return True
        return (
            len(draft.requests) < self._limits.requests
            and draft.bytes + len(self._provider.line("0" * KEY_LENGTH, request))
            <= self._limits.megabytes * 1e6
            and waiting + draft.tokens + request.prompt_tokens <= self._token_limit
        )

    def _add(self, draft: Draft, key: str, request: ChatRequest) -> None:
        draft.requests[key] = request
        draft.bytes += len(self._provider.line(key, request))
        draft.tokens += request.prompt_tokens
        draft.usd += self._greatest_usd(request)

    def _greatest_usd(self, request: ChatRequest) -> float:
        return greatest_usd(self._execution.prices.get(request.model), request, by_batch=True)

    async def _send(self, draft: Draft) -> None:
        """Record the batch, begin it, record its id: whenever the process dies, the batch can be found."""
        record = Record(
            nonce=uuid.uuid4().hex,
            requests=len(draft.requests),
            tokens=draft.tokens,
            usd=draft.usd,
            batch_id=None,
            sent_on=datetime.now(UTC).date().isoformat(),
        )
        self._sent.begin(record, draft.requests)
        batch = await self._begun(record, draft.requests)
        record.batch_id = batch.id
        self._sent.save(record)
        log.info("batch %s: %d requests sent", batch.id, record.requests)
        self._pending[record.nonce] = record
        self._spending.hold(record.usd)

    async def _begun(self, record: Record, requests: Mapping[str, ChatRequest]) -> Batch:
        async def submit() -> Batch | Setback | Stop:
            outcome = await self._provider.submit(requests, record.nonce)
            if isinstance(outcome, Setback) and outcome.paid:
                return await self._found(record) or outcome
            return outcome

        outcome = await patiently(submit, self._execution.retries)
        if not isinstance(outcome, Setback | Stop):
            return outcome
        self._sent.forget(record)
        raise UserError(
            f"the server accepts no batches: {outcome.reason}; a server that has {self._provider.endpoints} "
            f"was expected. Set execution.yaml:teacher to call if it has none. The {self._received} answers "
            f"received are in the row store."
        )

    async def _found(self, record: Record) -> Batch | None:
        """The batch of a record whose id is not known; it looks twice, because lists may lag behind."""
        for look in range(2):
            if look:
                await asyncio.sleep(self._limits.poll_s)
            batch = await self._patiently(lambda: self._provider.find(record, self._known_ids()))
            if batch is not None:
                return batch
        return None

    def _known_ids(self) -> set[str]:
        """The ids of all batches that we wait for."""
        return {record.batch_id for record in self._sent.records() if record.batch_id is not None}

    async def _wait(self) -> None:
        """Wait until at least one batch has ended and its results are in the store."""
        while True:
            for record in list(self._pending.values()):
                batch = await self._patiently(lambda: self._provider.batch(str(record.batch_id)), record)  # noqa: B023
                if batch.status in ENDED:
                    await self._collect(record, batch)
                    return
            await asyncio.sleep(self._limits.poll_s)

    async def _collect(self, record: Record, batch: Batch) -> None:
        results = await self._results(record, batch)
        log.info(
            "batch %s %s: %d of %d answered", batch.id, batch.status, len(results.bodies), record.requests
        )
        self._take_in(record, results)
        del self._pending[record.nonce]
        self._spending.release(record.usd)
        self._sent.forget(record)
        if batch.status == "failed" and not results.bodies:
            self._learn_from(record, batch)
        if results.stop is not None:
            raise UserError(
                f"{results.stop.reason}. Run again once that is fixed: the {self._received} answers received "
                f"are in the row store, and none is asked for twice."
            )

    async def _results(self, record: Record, batch: Batch) -> Results:
        """The complete results of a batch. Raises UserError rather than report a row as unanswered that was
        only lost in transit.

        Damage that is the same in a second copy is the provider's own: the other lines, which are paid for,
        are used.
        """
        results, before = Results(), None
        for attempt in range(self._execution.retries + 1):
            if attempt:
                await asyncio.sleep(backoff_s(attempt - 1))
            files = [
                await self._lines(record, batch.output_file_id),
                await self._lines(record, batch.error_file_id),
            ]
            results = read_results(chain(*files), self._provider.mask)
            if results.answered >= batch.completed and not results.damaged:
                return results
            ends_whole = all(lines[-1:] in ([], [b""]) for lines in files)
            if files == before and (ends_whole or results.answered + results.damaged >= batch.completed):
                log.warning(
                    "batch %s: %d of %d answers and %d unreadable lines, in two copies",
                    *(batch.id, results.answered, batch.completed, results.damaged),
                )
                results.lacking = True
                return results
            before = files
        raise UserError(
            f"the results of batch {batch.id} have {results.answered} answers and {results.damaged} damaged "
            f"lines; {batch.completed} answers were expected. Run again: the batch is collected again, not "
            f"sent again."
        )

    async def _lines(self, record: Record, file_id: str | None) -> list[bytes]:
        """Lines of a result file; empty if the batch has no such file (for example, no errors)."""
        return await self._patiently(lambda: self._provider.lines(file_id), record) if file_id else []

    def _take_in(self, record: Record, results: Results) -> None:
        """Store the answers and note the rest."""
        stored = self._store.known(CHAT, self._sent.keys(record))
        for key, request in self._sent.requests(record):
            outcome = results.bodies.get(key) or results.failed.get(key)
            if isinstance(outcome, Body):
                if key not in stored:
                    self._keep(key, request, outcome)
            else:
                self._note_unanswered(record.nonce, key, request, outcome or results.without_line)
        self._answers.commit()
        self._watch(record, results)

    def _watch(self, record: Record, results: Results) -> None:
        """Stop if a batch brings only refusals, and more of them than a run of calls would accept."""
        if results.bodies:
            self._outage.answered()
        for key, request in self._sent.requests(record):
            setback = results.failed.get(key)
            if setback is not None and not setback.again and results.stop is None:
                reason = self._outage.failed(request.prompt, setback)
                if reason is not None and not results.bodies:
                    results.stop = Stop(reason)

    def _keep(self, key: str, request: ChatRequest, body: Body) -> None:
        self._answers.keep(key, request, body, by_batch=True)
        self._received += 1
        self._bar.advance()
        if self._received % COMMIT_ANSWERS == 0:
            self._answers.commit()

    def _note_unanswered(self, nonce: str, key: str, request: ChatRequest, setback: Setback) -> None:
        if not setback.again:
            self._failures[key] = setback.reason
            self._bar.advance()
        else:
            self._unanswered[key] = setback.reason
        if setback.textless is not None:
            self._answers.keep_textless(key, request, setback.textless, batch=nonce)
        elif setback.paid:
            self._spending.note_lost(key, self._greatest_usd(request))

    def _learn_from(self, record: Record, batch: Batch) -> None:
        """React to a batch that was not begun: too many waiting tokens resolve themselves, all else stops."""
        if any(error.code == TOO_MANY_TOKENS for error in batch.errors) and record.requests > 1:
            self._token_limit = max(1, record.tokens // 2)
            log.info("the provider accepts fewer queued tokens: trying %d", self._token_limit)
            return
        reasons = (
            "; ".join(f"{error.message} (line {error.line})" for error in batch.errors[:3])
            or "no reason given"
        )
        raise UserError(
            f"batch {batch.id} failed: {reasons}; a batch that the provider accepts was expected. Fix it and "
            f"run again: the {self._received} answers received are in the row store."
        )

    async def _patiently(
        self, ask: Callable[[], Awaitable[T | Setback | Stop]], record: Record | None = None
    ) -> T:
        """Ask for something that costs nothing until there is an answer."""
        outcome = await patiently(ask, self._execution.retries)
        if not isinstance(outcome, Setback | Stop):
            return outcome
        where = (
            f" about batch {record.batch_id} of {record.requests} requests ({self._sent.path(record)})"
            if record
            else ""
        )
        raise UserError(
            f"the server does not answer{where}: {outcome.reason}. Run again with the account that sent it: "
            f"nothing is sent twice. Delete the file to abandon the batch and ask again."
        )
