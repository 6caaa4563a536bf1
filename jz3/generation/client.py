"""A client of any OpenAI-compatible server: chat completions, the files and batches of batch mode, and plain
completions of a synthesis model.

Every outcome is a value: an answer, a setback (this request has no answer, for this reason), or a stop (every
other request would meet the same: a wrong key, no money left, an unknown model). The key is masked in every
text of a server that leaves this module. It is the only module that imports openai, and anthropic for its
Messages. Costs: some half a millisecond of one core per request at 256 at once, a third of the cost of
httpx's own connections and the typed `chat.completions.create` (0.46 and 1.43 ms, `benchmarks/teacher.py`).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from jz3.core.errors import UserError
from jz3.generation.batch_results import NONCE, Batch, read_batch
from jz3.generation.bodies import PATHS, body_bytes
from jz3.generation.chat import ChatRequest, believable, ending, guessed_tokens
from jz3.generation.endpoint import Endpoint
from jz3.generation.loose import count_of, fields_of, list_of, loose_json, word_of, written
from jz3.generation.outcomes import Setback, Stop
from jz3.generation.pace import Turnstile
from jz3.generation.refusals import meaning, refusal
from jz3.generation.secrets import REASON_CHARACTERS, Mask
from jz3.generation.served_answers import Body, masked, read_body

if TYPE_CHECKING:
    import httpx2
    from openai import AsyncOpenAI

T = TypeVar("T")

CONNECT_S = 30.0
"""Seconds to connect (chosen); the whole request has its own limit."""
FILE_S = 600.0
"""Seconds for uploading or downloading a file (chosen: 200 MB on a slow line)."""
PAGES = 100
"""Pages of 100 batches each in which a batch is searched for (chosen)."""


@dataclass(frozen=True)
class Completed:
    """A model's continuation of a prompt, why it ended, and its tokens."""

    text: str
    finish_reason: str
    """`stop`, `length`, or the server's own word."""
    completion_tokens: int
    token_ids: tuple[int, ...] | None = None
    """The token ids, if they were asked for (`return_token_ids` of vLLM)."""


@asynccontextmanager
async def open_client(endpoint: Endpoint, timeout_s: float, concurrency: int) -> AsyncGenerator["Client"]:
    """A client for one event loop. The caller does retries, because it knows the limits and the budget.

    Raises UserError if address, key or proxy cannot be valid.
    """
    endpoint.must_be_usable()
    try:
        client = _client(endpoint, concurrency)
    except (ValueError, TypeError, OSError, ImportError, RuntimeError) as error:
        reason = Mask(endpoint.api_key).line(f"{type(error).__name__}: {error}")
        raise UserError(
            f"no connection can be prepared to {endpoint.shown} ({reason}); a valid address and, if any, a "
            f"valid proxy and certificates were expected. Correct {endpoint.named[0]}, https_proxy or "
            f"SSL_CERT_FILE."
        ) from error
    async with client:
        yield Client(client, endpoint, timeout_s)


def _client(endpoint: Endpoint, concurrency: int) -> "AsyncOpenAI":
    import httpx2
    from openai import AsyncOpenAI, DefaultAioHttpClient

    from jz3.generation.transport import Transport

    class Bounded(DefaultAioHttpClient):
        """Connections to servers and proxies that respect our bounds."""

        def _init_transport(self, *arguments: Any, **named: Any) -> httpx2.AsyncBaseTransport:  # noqa: ANN401
            return Transport(super()._init_transport(*arguments, **named))

        def _init_proxy_transport(self, *arguments: Any, **named: Any) -> httpx2.AsyncBaseTransport:  # noqa: ANN401
            return Transport(super()._init_proxy_transport(*arguments, **named))

    kind: type[AsyncOpenAI] = AsyncOpenAI if endpoint.client == "openai" else _anthropic().AsyncAnthropic
    return kind(
        base_url=endpoint.base_url,
        api_key=endpoint.api_key,
        max_retries=0,
        timeout=httpx2.Timeout(None, connect=CONNECT_S),
        http_client=Bounded(
            trust_env=not endpoint.local,  # requests to loopback use no proxy
            limits=httpx2.Limits(max_connections=concurrency),
        ),
    )


def _anthropic() -> Any:  # noqa: ANN401 (a package that need not be there)
    try:
        return import_module("anthropic")
    except ModuleNotFoundError as error:
        raise UserError(
            "the API messages needs the package anthropic, which is not installed; it was expected in this "
            "environment. Install it: pip install 'jz3[anthropic]'."
        ) from error


class Client:
    """What jz3 asks of a server."""

    def __init__(self, client: "AsyncOpenAI", endpoint: Endpoint, timeout_s: float) -> None:
        self._client, self._timeout_s = client, timeout_s
        self._root = str(client.base_url).rstrip("/")
        self._turnstile = Turnstile()
        self.mask = Mask(endpoint.api_key)
        """Hides the key in a server's texts."""

    async def chat(self, request: ChatRequest) -> Body | Setback | Stop:
        """Ask for one answer, which has a text unless the model was cut while it thought."""
        outcome = await self._outcome(
            lambda: self._post(PATHS[request.protocol], request.body()), self._timeout_s
        )
        if not isinstance(outcome, bytes):
            return outcome
        body = read_body(outcome)
        if isinstance(body, Body):
            return masked(body, self.mask)
        textless = body.textless and masked(body.textless, self.mask)
        if body.error is not None:
            refused = meaning(_status(body.error), body.error, None, self.mask)
            return refused if isinstance(refused, Stop) else replace(refused, textless=textless)
        reason = self.mask.line(body.reason)
        return Setback(reason, body.again, paid=True, own=not body.again, textless=textless)

    async def complete(self, body: Mapping[str, Any]) -> Completed | Setback | Stop:
        """Ask for one plain completion (`/v1/completions`) with a body of the protocol; it may have no
        text.
        """
        outcome = await self._outcome(lambda: self._post("/completions", body), self._timeout_s)
        if not isinstance(outcome, bytes):
            return outcome
        return self._completed(loose_json(outcome), int(body["max_tokens"]))

    async def submit(self, lines: bytes, nonce: str, endpoint: str) -> Batch | Setback | Stop:
        """Upload a batch file and begin its batch. If a setback is `paid`, the batch may have begun."""

        async def uploaded() -> str:
            file = await self._client.files.create(file=(f"{nonce}.jsonl", lines), purpose="batch")
            if not isinstance(file.id, str) or self.mask.line(file.id) != file.id:  # pyright: ignore
                raise ValueError("the file that was put up has no usable name")
            return file.id

        file_id = await self._outcome(uploaded, FILE_S)
        if isinstance(file_id, Setback):
            return Setback(file_id.reason, file_id.again, paid=False, wait_s=file_id.wait_s)
        if isinstance(file_id, Stop):
            return file_id
        asked = {
            "input_file_id": file_id,
            "endpoint": endpoint,
            "completion_window": "24h",
            "metadata": {NONCE: nonce},
        }
        begun = await self._outcome(lambda: self._post("/batches", asked), self._timeout_s)
        return read_batch(loose_json(begun), self.mask) if isinstance(begun, bytes) else begun

    async def find_batch(self, nonce: str) -> Batch | Setback | Stop | None:
        """The batch that was begun under a nonce, or None."""
        after = ""
        for _ in range(PAGES):
            page = await self._outcome(lambda: self._get(f"/batches?limit=100{after}"), FILE_S)  # noqa: B023
            if not isinstance(page, bytes):
                return page
            fields = fields_of(loose_json(page))
            if not isinstance(fields.get("data"), list):
                return Setback("no list of batches", again=True, paid=True)
            batches = [read_batch(batch, self.mask) for batch in list_of(fields["data"])]
            named = [batch for batch in batches if isinstance(batch, Batch)]
            found = next((batch for batch in named if batch.nonce == nonce), None)
            if found is not None or not fields.get("has_more") or not named:
                return found
            after = f"&after={quote(named[-1].id, safe='')}"
        return None

    async def batch(self, batch_id: str) -> Batch | Setback | Stop:
        """The state of a batch."""
        path = f"/batches/{quote(batch_id, safe='')}"
        said = await self._outcome(lambda: self._get(path), self._timeout_s)
        return read_batch(loose_json(said), self.mask) if isinstance(said, bytes) else said

    async def file_lines(self, file_id: str) -> list[bytes] | Setback | Stop:
        """The lines of a result file."""
        path = f"/files/{quote(file_id, safe='')}/content"
        content = await self._outcome(lambda: self._get(path), FILE_S)
        return content.split(b"\n") if isinstance(content, bytes) else content

    def _completed(self, said: object, limit: int) -> Completed | Setback | Stop:
        """Read a plain completion."""
        fields = fields_of(said)
        choices = [fields_of(choice) for choice in list_of(fields.get("choices"))]
        if not choices:
            error = fields.get("error")
            nothing = Setback("no completion: 0 choices instead of 1", again=True, paid=True)
            return meaning(_status(error), error, None, self.mask) if error else nothing
        text = self.mask.text(written(choices[0]))
        tokens = count_of(fields_of(fields.get("usage")).get("completion_tokens"))
        if tokens is None or not believable(tokens, text):
            tokens = guessed_tokens(text)
        reason = word_of(choices[0].get("finish_reason"))
        reason = reason and self.mask.text(reason)[:REASON_CHARACTERS]
        token_ids = _token_ids(choices[0].get("token_ids"))
        return Completed(text, ending(reason, tokens, limit), tokens, token_ids)

    async def _post(self, path: str, body: Mapping[str, Any]) -> bytes:
        """Send by the client's plain `post`: writing bodies and reading answers here costs less.

        So does passing the full URL: the client would parse its own for each request.
        """
        import httpx2

        content = body_bytes(body)
        return _in_unicode(
            await self._client.post(self._root + path, cast_to=httpx2.Response, content=content)
        )

    async def _get(self, path: str) -> bytes:
        import httpx2

        return _in_unicode(await self._client.get(self._root + path, cast_to=httpx2.Response))

    async def _outcome(self, ask: Callable[[], Awaitable[T]], seconds: float) -> T | Setback | Stop:
        """The outcome of a call, whatever goes wrong on the way.

        A server can send anything, and the libraries between it and us raise errors of many kinds for it (so
        far of nine classes without a common base): each becomes a setback with its message. `ask` runs none
        of our own code.
        """
        from aiohttp import ClientConnectorError

        from jz3.generation.transport import Refusal

        await self._turnstile.wait()
        try:
            async with asyncio.timeout(seconds):
                return await ask()
        except Refusal as error:
            return refusal(error.status, error.content, error.headers, self.mask)
        except TimeoutError:
            return Setback(f"no answer in {seconds:g} s", again=True, paid=True)
        except Exception as error:
            raised = _raised(error)
            refused = next((cause for cause in raised if isinstance(cause, Refusal)), None)
            if refused is not None:  # anthropic's client reports it as a lost connection
                return refusal(refused.status, refused.content, refused.headers, self.mask)
            unsent = [cause for cause in raised if isinstance(cause, ClientConnectorError)]
            cause = (unsent or raised)[-1]
            reason = self.mask.line(f"connection: {type(cause).__name__}: {cause}")
            return Setback(reason, again=True, paid=not unsent)


def _token_ids(said: object) -> tuple[int, ...] | None:
    numbers = [count_of(number) for number in list_of(said)] if isinstance(said, list) else [None]
    return tuple(number for number in numbers if number is not None) if None not in numbers else None


def _raised(error: BaseException) -> list[BaseException]:
    """An error and those that it was raised from, each with another library's message."""
    return [error] if error.__cause__ is None else [error, *_raised(error.__cause__)]


def _in_unicode(response: "httpx2.Response") -> bytes:
    """The body in UTF-8, if it was in a legacy charset."""
    kind = response.headers.get("content-type", "").lower()
    charset = kind.partition("charset=")[2].partition(";")[0].strip(" \"'")
    if charset in ("", "utf-8", "utf8"):
        return response.content
    try:
        return response.content.decode(charset).encode()
    except (LookupError, UnicodeError, ValueError):
        return response.content


def _status(error: object) -> int:
    """The status of an error inside a successful answer: some servers put it into the code."""
    code = count_of(fields_of(error).get("code"))
    return code if code is not None and 400 <= code < 600 else 500
