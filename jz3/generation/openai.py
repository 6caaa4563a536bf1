"""Engine `openai`: chat completions of any OpenAI-compatible server, each paid for once.

An answer that was received whole is in the row store before it is used; a failed request fails alone, with
its reason, and is not stored. Refusals that would meet every request (a wrong key, no money left, an unknown
model) stop the stage with what was received kept. The only module that imports openai.

Costs: about half a millisecond of one core a request.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError

from jz3.core.errors import BudgetReached, UserError
from jz3.core.execution import Execution
from jz3.core.progress import Progress
from jz3.generation.pace import Pace, asked_wait_s, backoff_s
from jz3.generation.spending import Spending, cost_usd, greatest_cost_usd
from jz3.store.rows import Operation, RowStore, open_store, request_key
from jz3.store.writer import RowWriter

if TYPE_CHECKING:
    from openai import AsyncOpenAI

log = logging.getLogger(__name__)

CHAT = Operation("chat", 1)

CHARACTERS_PER_TOKEN = 3.0
"""For limits, and for servers that do not count (chosen; English prose has 4, mathematics fewer)."""
LONGEST_ASKED_WAIT_S = 600.0
"""A request whose server asks for a longer wait fails (chosen)."""
COMMIT_ANSWERS = 100
"""Answers between two fsyncs; a kill of the process loses none of them, a power cut these."""
NAMED_KEYS = 5
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class ChatRequest:
    """A prompt as one user message. All of it decides the row's key; where the server is does not."""

    provider: str
    model: str
    prompt: str
    temperature: float
    top_p: float
    max_tokens: int
    seed: int


@dataclass(frozen=True)
class Endpoint:
    """Where requests go. The key is needed only where the store lacks an answer, and is never shown."""

    base_url: str | None
    """None: the one of OpenAI."""
    api_key: str | None = field(repr=False)


@dataclass(frozen=True)
class ChatAnswer:
    """What the server answered; `finish_reason` in its own words (`stop`, `length`, `content_filter` ...)."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class ChatFailure:
    """Why there is no answer."""

    reason: str


def chat_key(request: ChatRequest) -> str:
    """The key of a request in the store."""
    return request_key(CHAT, asdict(request))


def ask_all(
    requests: Sequence[ChatRequest], endpoint: Endpoint, execution: Execution, what: str
) -> list[ChatAnswer | ChatFailure]:
    """An answer or a failure for each request, in order; equal requests are sent once.

    Raises UserError where nothing can be asked (replay with missing answers, no key, a key that is refused)
    and BudgetReached at the cap; what was received before is in the store.
    """
    store = open_store()
    keys = [chat_key(request) for request in requests]
    stored = store.known(CHAT, keys)
    replies: dict[str, ChatAnswer | ChatFailure] = {key: _answer(row) for key, row in stored.items()}
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in stored}
    log.info("%s: %d requests, %d of them to send", what, len(set(keys)), len(missing))
    if missing:
        _must_be_askable(missing, len(stored), store, endpoint, execution)
        spent = _spent_usd(requests, keys, replies, execution)
        with store.writer(CHAT) as writer, Progress(what, len(missing), "requests") as bar:
            replies |= asyncio.run(_ask(missing, endpoint, execution, spent, writer, bar))
    return [replies[key] for key in keys]


def _must_be_askable(
    missing: Mapping[str, ChatRequest], known: int, store: RowStore, endpoint: Endpoint, execution: Execution
) -> None:
    if execution.teacher == "replay":
        first = ", ".join(list(missing)[:NAMED_KEYS])
        raise UserError(
            f"execution.teacher is replay, and {len(missing)} requests have no answer in the row store at "
            f"{store.root}: {first}{' ...' if len(missing) > NAMED_KEYS else ''}; all were expected there "
            f"({known} are). Fetch the store that holds them, or set execution.teacher to call."
        )
    if not endpoint.api_key:
        raise UserError(
            f"there is no key for {len(missing)} requests that the row store has no answer to; "
            f"OPENAI_API_KEY was expected in the environment. Set it (to any word, for a server that asks "
            f"for none), or set execution.teacher to replay with a store that has the answers."
        )


def _spent_usd(
    requests: Sequence[ChatRequest],
    keys: Sequence[str],
    replies: Mapping[str, ChatAnswer | ChatFailure],
    execution: Execution,
) -> float:
    """What the stored answers cost: the cap is on the whole set, or a restart would be a new budget."""
    asked = dict(zip(keys, requests, strict=True))
    return sum(
        cost_usd(execution.prices.get(asked[key].model), reply.prompt_tokens, reply.completion_tokens)
        for key, reply in replies.items()
        if isinstance(reply, ChatAnswer)
    )


def _answer(row: Mapping[str, Any]) -> ChatAnswer:
    return ChatAnswer(row["text"], row["finish_reason"], row["prompt_tokens"], row["completion_tokens"])


async def _ask(
    missing: Mapping[str, ChatRequest],
    endpoint: Endpoint,
    execution: Execution,
    spent_usd: float,
    writer: RowWriter,
    bar: Progress,
) -> dict[str, ChatAnswer | ChatFailure]:
    async with _client(endpoint, execution) as client:
        asker = Asker(client, execution, Spending(execution.budget_usd, spent_usd), writer, bar)
        waiting = iter(missing.items())
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(execution.concurrency, len(missing))):
                tasks.create_task(asker.work(waiting))
    writer.commit()
    if asker.stopped is not None:
        raise asker.stopped
    return asker.replies


def _client(endpoint: Endpoint, execution: Execution) -> "AsyncOpenAI":
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    local = urlsplit(endpoint.base_url or "").hostname in LOOPBACK
    return AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        timeout=execution.timeout_s,
        max_retries=0,  # ours know the limits and the budget
        http_client=DefaultAsyncHttpxClient(trust_env=not local),  # no proxy leads to loopback
    )


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class _Body(BaseModel):
    """What we need of a server's answer. Servers differ: it is checked here, not trusted."""

    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


@dataclass(frozen=True)
class Setback:
    """An attempt that gave no answer."""

    reason: str
    again: bool
    """Whether another attempt may give one."""
    paid: bool
    """Whether it may have been paid for: nobody knows what became of it."""
    wait_s: float | None = None
    """What the server asks for."""
    busy: bool = False
    """The server is at its limits: others should wait, too."""


class Asker:
    """Sends requests by several tasks, each with its own attempts, under shared limits."""

    def __init__(
        self,
        client: "AsyncOpenAI",
        execution: Execution,
        spending: Spending,
        writer: RowWriter,
        bar: Progress,
    ) -> None:
        self.replies: dict[str, ChatAnswer | ChatFailure] = {}
        self.stopped: UserError | None = None
        """Why no more requests are sent."""
        self._client, self._execution = client, execution
        self._spending, self._writer, self._bar = spending, writer, bar
        self._pace = Pace(execution.requests_per_minute, execution.tokens_per_minute)
        self._received = 0

    async def work(self, waiting: Iterator[tuple[str, ChatRequest]]) -> None:
        """Take requests until there are none, or until all must stop. Those in flight are always finished."""
        while self.stopped is None:
            following = next(waiting, None)
            if following is None:
                return
            key, request = following
            reply = await self._reply(key, request)
            if reply is not None:
                self.replies[key] = reply
                self._bar.advance()

    async def _reply(self, key: str, request: ChatRequest) -> ChatAnswer | ChatFailure | None:
        """None where all must stop."""
        setback = Setback("was not sent", again=True, paid=False)
        for attempt in range(self._execution.retries + 1):
            if attempt:
                await asyncio.sleep(self._wait_s(setback, attempt))
            await self._pace.wait(int(len(request.prompt) / CHARACTERS_PER_TOKEN) + request.max_tokens)
            outcome = await self._attempt(key, request)
            if not isinstance(outcome, Setback):
                return outcome
            if not outcome.again or (outcome.wait_s or 0) > LONGEST_ASKED_WAIT_S:
                return ChatFailure(outcome.reason)
            setback = outcome
        return ChatFailure(f"{setback.reason} (attempt {self._execution.retries + 1}, the last)")

    def _wait_s(self, setback: Setback, attempt: int) -> float:
        wait = max(backoff_s(attempt - 1), setback.wait_s or 0.0)
        if setback.busy:
            self._pace.pause(wait)
        return wait

    async def _attempt(self, key: str, request: ChatRequest) -> ChatAnswer | Setback | None:
        if self.stopped is not None:
            return None
        price = self._execution.prices.get(request.model)
        reserved = greatest_cost_usd(price, request.prompt, request.max_tokens)
        if not await self._spending.reserve(reserved):
            self._stop_at_budget(reserved)
            return None
        paid = reserved
        try:
            outcome = await self._send(request)
            if isinstance(outcome, _Body):
                answer = _as_answer(outcome, request)
                paid = cost_usd(price, answer.prompt_tokens, answer.completion_tokens)
                self._keep(key, request, answer, outcome)
                return answer
            if outcome is None or not outcome.paid:
                paid = 0.0
            return outcome
        finally:
            await self._spending.settle(reserved, paid)

    async def _send(self, request: ChatRequest) -> _Body | Setback | None:
        from openai import APIConnectionError, APIStatusError

        try:
            async with asyncio.timeout(self._execution.timeout_s):
                response = await self._client.chat.completions.with_raw_response.create(
                    model=request.model,
                    messages=[{"role": "user", "content": request.prompt}],
                    temperature=request.temperature,
                    top_p=request.top_p,
                    max_tokens=request.max_tokens,
                    seed=request.seed,
                    n=1,
                )
            return _checked_body(response.http_response.content)
        except APIStatusError as error:
            return self._refused(error.status_code, str(error), error.code, error.response.headers)
        except APIConnectionError as error:
            return Setback(_one_line(f"connection: {error.__cause__ or error}"), again=True, paid=True)
        except TimeoutError:
            return Setback(f"no answer in {self._execution.timeout_s:g} s", again=True, paid=True)

    def _refused(
        self, status: int, text: str, code: str | None, headers: Mapping[str, str]
    ) -> Setback | None:
        """What an HTTP error means; None where every other request would meet it, too."""
        if status in (401, 403):
            self._stop(
                f"the server refuses the key (HTTP {status}); a valid one was expected in OPENAI_API_KEY"
            )
            return None
        if status == 404:
            self._stop(f"the server has no such model or path: {self._shown(text)}")
            return None
        if code == "insufficient_quota":
            self._stop("the account has no money left (insufficient_quota)")
            return None
        again = status in (408, 409, 429) or status >= 500
        return Setback(
            self._shown(text), again, paid=False, wait_s=asked_wait_s(headers), busy=status in (429, 503)
        )

    def _keep(self, key: str, request: ChatRequest, answer: ChatAnswer, body: _Body) -> None:
        """Into the journal before anyone uses it."""
        noted = {"served_model": body.model, "answered_on": datetime.now(UTC).date().isoformat()}
        self._writer.append(key, asdict(request), {**asdict(answer), **noted})
        self._writer.flush()
        self._received += 1
        if self._received % COMMIT_ANSWERS == 0:
            self._writer.commit()

    def _shown(self, text: str) -> str:
        """A server's words in one line, without our key."""
        return _one_line(text.replace(self._client.api_key, "***"))

    def _stop(self, reason: str) -> None:
        self.stopped = self.stopped or UserError(
            f"{reason}. Mend it and run again: the {self._received} answers received are in the row store."
        )

    def _stop_at_budget(self, needed_usd: float) -> None:
        spending = self._spending
        self.stopped = self.stopped or BudgetReached(
            f"stopped at the budget: {spending.spent_usd:.4f} USD of {spending.cap_usd} are spent and the "
            f"next request may cost {needed_usd:.4f}; {self._received} answers came in this run. "
            f"Raise execution.budget_usd and run again: nothing is asked twice."
        )


def _checked_body(content: bytes) -> _Body | Setback:
    try:
        body = _Body.model_validate_json(content)
    except ValidationError as error:
        return Setback(_one_line(f"no chat completion: {error}"), again=True, paid=True)
    if len(body.choices) != 1:
        return Setback(f"{len(body.choices)} choices instead of 1", again=True, paid=True)
    return body


def _as_answer(body: _Body, request: ChatRequest) -> ChatAnswer:
    text = body.choices[0].message.content or ""
    usage = body.usage or _Usage(
        prompt_tokens=int(len(request.prompt) / CHARACTERS_PER_TOKEN),
        completion_tokens=int(len(text) / CHARACTERS_PER_TOKEN),
    )
    return ChatAnswer(text, body.choices[0].finish_reason, usage.prompt_tokens, usage.completion_tokens)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
