"""Asks a teacher for many answers, each paid for once: engine `openai`.

A complete answer is in the row store before it is used; a request that is refused fails on its own, with its
reason, and is not stored. If several processes want the same answers at once, only one asks for each. A
problem that every request would meet (a wrong key, no money left, an unknown model, a server that is down)
stops the stage, and the answers received are kept. Requests that could be answered on another day also stop
the stage, once all others have been asked: they are no result, and the next run asks for them.

Costs: two passes over the requests (what the store has, what is missing) and one over their answers, in
pieces, so that memory grows by some 50 bytes per request (its key, half of it sorted, the index of its
answer); 0.65 ms of one core for each request sent, 0.46 of them in the openai client
(`benchmarks/teacher.py`).
"""

import asyncio
import logging
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.progress import Progress
from jz3.generation.batch_files import FileBatches
from jz3.generation.batch_protocol import Batches
from jz3.generation.batch_records import enqueued
from jz3.generation.batches import BatchRun
from jz3.generation.calls import CallRun
from jz3.generation.chat import CHAT, ChatAnswer, ChatFailure, ChatRequest, chat_key, stored_answer
from jz3.generation.client import Client, open_client
from jz3.generation.endpoint import Endpoint
from jz3.generation.message_batches import Calls, MessageBatches
from jz3.generation.outage import Outage
from jz3.generation.outcomes import Unanswered
from jz3.generation.received import receiving
from jz3.generation.spending import SENT, SETTLED, Spending
from jz3.store.row_store import RowStore, open_store

log = logging.getLogger(__name__)

PIECE = 2_000
"""Requests that are looked up together (chosen)."""
NAMED_KEYS = 5
KEY_BYTES = 16


class KeyList:
    """The key of each request, in order, in 16 bytes each."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._bytes = bytearray()
        for key in keys:
            self._bytes += bytes.fromhex(key)

    def pieces(self) -> Iterator[list[str]]:
        """All keys, PIECE at a time."""
        for start in range(0, len(self._bytes), PIECE * KEY_BYTES):
            digits = self._bytes[start : start + PIECE * KEY_BYTES].hex()
            yield [digits[at : at + 2 * KEY_BYTES] for at in range(0, len(digits), 2 * KEY_BYTES)]

    def halves(self) -> NDArray[np.uint64]:
        """The first half of each key, as a number: enough to distinguish the keys of a set."""
        return np.frombuffer(bytes(self._bytes), dtype=">u8")[::2].astype(np.uint64)


class KeySet:
    """A set of keys that stores half of each, in 8 bytes."""

    def __init__(self, sorted_halves: NDArray[np.uint64]) -> None:
        self._sorted = sorted_halves

    def __contains__(self, key: object) -> bool:
        number = np.uint64(int(str(key)[:16], 16))
        place = int(np.searchsorted(self._sorted, number))
        return place < self._sorted.size and bool(self._sorted[place] == number)


@dataclass
class Survey:
    """How many requests of a set the store has, each counted once."""

    in_order: KeyList
    """The keys of all requests, including equal ones; computed only in the first pass."""
    keys: KeySet
    known: int = 0
    missing: int = 0
    first_missing: tuple[str, ...] = ()
    enqueued: int = 0
    """Missing requests that wait in batch files sent earlier."""


def key_set(requests: Iterable[ChatRequest]) -> KeySet:
    """The keys of requests, each once."""
    return KeySet(np.unique(KeyList(map(chat_key, requests)).halves()))


def ask_all(
    requests: Iterable[ChatRequest],
    endpoint: Endpoint,
    execution: Execution,
    what: str,
    whole_set: KeySet | None = None,
) -> Iterator[ChatAnswer | ChatFailure]:
    """An answer or a failure for each request, in order; equal requests are sent once.

    Everything is asked before this returns.

    - `requests`: iterated up to twice (in batch mode once more per round), so it must be iterable anew each
      time.
    - `whole_set`: the keys that the cap on money applies to, `requests` among them; None if `requests` are
      all.

    Raises UserError

    - if nothing can be asked: replay with missing answers, no key, or a key that is refused,
    - if the server answers no request,
    - if the share of requests without an answer that another day may give is above
      `execution.yaml:unanswered_share`;

    BudgetReached at the cap. Answers received before are in the store.
    """
    store = open_store()
    survey = _survey(requests, store)
    log.info("%s: %d requests, %d of them to send", what, survey.known + survey.missing, survey.missing)
    failures: dict[str, str] = {}
    if survey.missing:
        _must_be_askable(survey, store, endpoint, execution)
        unanswered = asyncio.run(
            _ask(requests, survey, whole_set or survey.keys, store, endpoint, execution, what)
        )
        _must_be_final(unanswered, survey, execution)
        failures = unanswered.failed | unanswered.delayed
    return _replies(survey.in_order, store, failures)


def _pieces(requests: Iterable[ChatRequest], keys: KeyList) -> Iterator[dict[str, ChatRequest]]:
    """Requests by key, in pieces."""
    rest = iter(requests)
    for piece in keys.pieces():
        yield dict(zip(piece, islice(rest, len(piece)), strict=True))


def _survey(requests: Iterable[ChatRequest], store: RowStore) -> Survey:
    in_order, waiting = KeyList(map(chat_key, requests)), enqueued(store)
    halves = in_order.halves()
    different, firsts = np.unique(halves, return_index=True)
    is_first = np.zeros(halves.size, dtype=bool)
    is_first[firsts] = True
    survey = Survey(in_order, KeySet(different))
    marks = iter(is_first)
    for keys in in_order.pieces():
        new = [key for key in keys if next(marks)]
        stored = store.known(CHAT, new)
        for key in new:
            if key in stored:
                survey.known += 1
            else:
                survey.missing += 1
                survey.enqueued += key in waiting
                if len(survey.first_missing) < NAMED_KEYS:
                    survey.first_missing += (key,)
    return survey


def _must_be_askable(survey: Survey, store: RowStore, endpoint: Endpoint, execution: Execution) -> None:
    if execution.teacher == "replay":
        more = " ..." if survey.missing > NAMED_KEYS else ""
        raise UserError(
            f"execution.yaml:teacher is replay, and {survey.missing} requests have no answer in the row "
            f"store at {store.root}: {', '.join(survey.first_missing)}{more}; all were expected there "
            f"({survey.known} are). Fetch the store that holds them, or set execution.yaml:teacher to call."
        )
    if execution.teacher == "call" and survey.enqueued:
        raise UserError(
            f"{survey.enqueued} of {survey.missing} missing answers wait in batch files that were sent "
            f"before; sending them again would pay twice. Set execution.yaml:teacher to batch to collect "
            f"them."
        )
    if not endpoint.api_key:
        raise UserError(
            f"there is no key for {survey.missing} requests that the row store has no answer to; "
            f"{endpoint.named[1]} was expected in the environment. Set it (to any word, for a server "
            f"that asks for none), or set execution.yaml:teacher to replay with a store that has the answers."
        )


async def _ask(
    requests: Iterable[ChatRequest],
    survey: Survey,
    capped: KeySet,
    store: RowStore,
    endpoint: Endpoint,
    execution: Execution,
    what: str,
) -> Unanswered:
    """Send what is missing; return the reasons of requests without an answer."""
    async with open_client(endpoint, execution.timeout_s, execution.concurrency) as client:
        with ExitStack() as stack:
            received = stack.enter_context(receiving(store))
            sent, settled = (stack.enter_context(store.writer(operation)) for operation in (SENT, SETTLED))
            spending = Spending(execution, capped, store, sent, settled)
            bar = stack.enter_context(Progress(what, survey.missing, "requests"))
            outage = Outage(survey.known + survey.missing, survey.known, execution.unanswered_share)
            if execution.teacher == "batch":
                provider = _batches(client, endpoint, execution)
                batches = BatchRun(provider, execution, spending, store, received, outage, bar)
                unanswered = await batches.run(lambda: _pieces(requests, survey.in_order))
            else:
                claims = stack.enter_context(store.claims(CHAT))
                calls = CallRun(client, execution, spending, store, received, claims, outage, bar)
                unanswered = await calls.run(_pieces(requests, survey.in_order))
    reason = outage.at_end()
    if reason is not None:
        raise UserError(f"{reason}. Fix that and run again: no answer to these requests was kept.")
    return unanswered


def _batches(client: Client, endpoint: Endpoint, execution: Execution) -> Batches:
    if endpoint.client == "openai":
        return FileBatches(client)
    return MessageBatches(Calls.over(client, endpoint, execution.timeout_s), execution.batch_files.poll_s)


def _must_be_final(unanswered: Unanswered, survey: Survey, execution: Execution) -> None:
    """Raise UserError if too many requests could be answered on another day: a stage that finished without
    these answers would count as up to date.
    """
    requests, delayed = survey.known + survey.missing, len(unanswered.delayed)
    if delayed <= execution.unanswered_share * requests:
        return
    key, reason = next(iter(unanswered.delayed.items()))
    raise UserError(
        f"{delayed} of {requests} requests got no answer, but may get one another day; an answer to each, or "
        f"its refusal, was expected. The first is {key}: {reason}. Run again: all answers received are in "
        f"the row store, and only these are asked for. To go on without them, set "
        f"execution.yaml:unanswered_share to {math.ceil(delayed / requests * 1e4) / 1e4:g}."
    )


def _replies(
    keys_in_order: KeyList, store: RowStore, failures: Mapping[str, str]
) -> Iterator[ChatAnswer | ChatFailure]:
    for keys in keys_in_order.pieces():
        stored = store.known(CHAT, keys)
        for key in keys:
            yield stored_answer(stored[key]) if key in stored else ChatFailure(failures[key])
