"""A client of any OpenAI-compatible server: chat completions, the files and batches of batch mode, and plain
completions of a synthesis model.

Every outcome is a value: an answer, a setback (this request has no answer, for this reason), or a stop (every
other request would meet the same: a wrong key, no money left, an unknown model). The only module that imports
openai. Costs: some half a millisecond of one core a request at 256 at once, a third of what it is over
httpx's own connections and the typed `chat.completions.create` (0.46 and 1.43 ms, `benchmarks/teacher.py`).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError

from jz3.generation.chat import Body, ChatRequest, Unreadable, body_bytes, one_line, read_body, read_json
from jz3.generation.pace import Turnstile, asked_wait_s

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from openai.types import Batch

T = TypeVar("T")

LOOPBACK = ("127.0.0.1", "localhost", "::1")
CONNECT_S = 30.0
"""Seconds for a connection (chosen); the whole request has its own limit."""
FILE_S = 600.0
"""Seconds for a file to go up or down (chosen: 200 MB on a slow line)."""
NONCE = "jz3"
"""Name of the word in a batch's metadata by which a batch is found again whose id was lost."""


@dataclass(frozen=True)
class Endpoint:
    """Where requests go. The key is needed only where the store lacks an answer, and is never shown."""

    base_url: str | None
    """None: the one of OpenAI."""
    api_key: str | None = field(repr=False)


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


@dataclass(frozen=True)
class Stop:
    """Why no request at all can be answered."""

    reason: str


class _Text(BaseModel):
    text: str
    finish_reason: str


class _Counted(BaseModel):
    completion_tokens: int


class _TextBody(BaseModel):
    choices: list[_Text] = Field(min_length=1)
    usage: _Counted


@dataclass(frozen=True)
class Completed:
    """What a model wrote after a prompt, why it ended and its tokens, both in the server's words."""

    text: str
    finish_reason: str
    completion_tokens: int


@asynccontextmanager
async def open_client(endpoint: Endpoint, timeout_s: float, concurrency: int) -> AsyncGenerator["Client"]:
    """A client for one event loop. Retries are the caller's: it knows the limits and the budget."""
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    local = urlsplit(endpoint.base_url or "").hostname in LOOPBACK
    async with AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=CONNECT_S),
        http_client=DefaultAioHttpClient(
            trust_env=not local,  # no proxy leads to loopback
            limits=httpx2.Limits(max_connections=concurrency),
        ),
    ) as client:
        yield Client(client, timeout_s)


class Client:
    """What jz3 asks of a server."""

    def __init__(self, client: "AsyncOpenAI", timeout_s: float) -> None:
        self._client, self._timeout_s = client, timeout_s
        self._root = str(client.base_url).rstrip("/")
        self._turnstile = Turnstile()

    async def chat(self, request: ChatRequest) -> Body | Setback | Stop:
        """One chat completion."""
        outcome = await self._outcome(
            lambda: self._post("/chat/completions", request.body()), self._timeout_s
        )
        if not isinstance(outcome, bytes):
            return outcome
        body = read_body(outcome)
        return Setback(body.reason, again=True, paid=True) if isinstance(body, Unreadable) else body

    async def complete(self, body: Mapping[str, Any]) -> Completed | Setback | Stop:
        """One plain completion (`/v1/completions`) of a body as the protocol has it."""
        outcome = await self._outcome(lambda: self._post("/completions", body), self._timeout_s)
        if not isinstance(outcome, bytes):
            return outcome
        try:
            read = read_json(_TextBody, outcome)
        except ValidationError as error:
            return Setback(one_line(f"no completion: {error}"), again=True, paid=True)
        written = read.choices[0]
        return Completed(written.text, written.finish_reason, read.usage.completion_tokens)

    async def submit(self, lines: bytes, nonce: str) -> "Batch | Setback | Stop":
        """Put a batch file up and begin its batch. A setback that is `paid` may have begun it."""

        async def uploaded() -> str:
            file = await self._client.files.create(file=(f"{nonce}.jsonl", lines), purpose="batch")
            return file.id

        file_id = await self._outcome(uploaded, FILE_S)
        if isinstance(file_id, Setback):
            return Setback(file_id.reason, file_id.again, paid=False, wait_s=file_id.wait_s)
        if isinstance(file_id, Stop):
            return file_id
        return await self._outcome(
            lambda: self._client.batches.create(
                input_file_id=file_id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={NONCE: nonce},
            ),
            self._timeout_s,
        )

    async def find_batch(self, nonce: str) -> "Batch | Setback | Stop | None":
        """The batch that was begun under a nonce, or None."""

        async def found() -> "Batch | None":
            async for batch in self._client.batches.list(limit=100):
                if (batch.metadata or {}).get(NONCE) == nonce:
                    return batch
            return None

        return await self._outcome(found, FILE_S)

    async def batch(self, batch_id: str) -> "Batch | Setback | Stop":
        """How a batch stands."""
        return await self._outcome(lambda: self._client.batches.retrieve(batch_id), self._timeout_s)

    async def file_lines(self, file_id: str) -> list[bytes] | Setback | Stop:
        """The lines of a result file."""

        async def content() -> list[bytes]:
            return (await self._client.files.content(file_id)).content.splitlines()

        return await self._outcome(content, FILE_S)

    async def _post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """By the client's plain `post`: bodies are written and answers read here, where both cost less.

        So does a whole address: the client would take its own apart for each request.
        """
        import httpx2

        content = body_bytes(body)
        url = self._root + path
        return (await self._client.post(url, cast_to=httpx2.Response, content=content)).content

    async def _outcome(self, ask: Callable[[], Awaitable[T]], seconds: float) -> T | Setback | Stop:
        """What came of a call, whatever goes wrong on the way."""
        from aiohttp import ClientError
        from openai import APIConnectionError, APIResponseValidationError, APIStatusError

        await self._turnstile.wait()
        try:
            async with asyncio.timeout(seconds):
                return await ask()
        except APIStatusError as error:
            return self._refused(error.status_code, str(error), error.code, error.response.headers)
        except APIResponseValidationError as error:
            return Setback(one_line(f"no such answer: {error}"), again=True, paid=True)
        except APIConnectionError as error:
            return Setback(one_line(f"connection: {error.__cause__ or error}"), again=True, paid=True)
        except ClientError as error:  # what the transport does not put into openai's words: no HTTP at all
            return Setback(one_line(f"connection: {error}"), again=True, paid=True)
        except TimeoutError:
            return Setback(f"no answer in {seconds:g} s", again=True, paid=True)

    def _refused(
        self, status: int, text: str, code: str | None, headers: Mapping[str, str]
    ) -> Setback | Stop:
        """What an HTTP error means."""
        if status in (401, 403):
            return Stop(
                f"the server refuses the key (HTTP {status}); a valid one was expected in OPENAI_API_KEY"
            )
        if status == 404:
            return Stop(f"the server has no such model or path: {self._shown(text)}")
        if code == "insufficient_quota":
            return Stop("the account has no money left (insufficient_quota)")
        again = status in (408, 409, 429) or status >= 500
        busy = status == 429 or status >= 500
        return Setback(self._shown(text), again, paid=False, wait_s=asked_wait_s(headers), busy=busy)

    def _shown(self, text: str) -> str:
        """A server's words in one line, without our key."""
        return one_line(text.replace(self._client.api_key, "***"))
