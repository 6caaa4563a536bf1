"""Requests to a teacher and its answers: what is asked, the key it is stored under, and what is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from jz3.generation.bodies import Api, body_of
from jz3.generation.served_answers import FINISHED, Body, Usage
from jz3.notation.thoughts import split_thought
from jz3.store.row_store import Operation, request_key

CHAT = Operation("chat", 1)
TEXTLESS = Operation("textless", 1)
"""An answer that was paid for but has only thoughts, one row per attempt: its request stays unanswered."""

CHARACTERS_PER_TOKEN = 3.0
"""Characters per token, for limits and for servers that do not count (chosen: English prose has 4,
mathematics fewer).
"""
MOST_CHARACTERS = 8
"""The most characters per token that are believed (chosen: twice those of English prose)."""
MOST_TOKENS = 100_000_000
"""The most tokens of one request that are believed (chosen: ten times the longest context of a model)."""
CUT = (
    "length",
    "max_tokens",
    "max_length",
    "max_output_tokens",
    "model_length",
    "token_limit",
    "truncated",
    "model_context_window_exceeded",
)
"""Other servers' words for `length`."""


@dataclass(frozen=True)
class ChatRequest:
    """A prompt as one user message. All its fields determine the row's key; the server's address does not.

    A field that is None is neither sent nor part of the key.
    """

    provider: str
    model: str
    prompt: str
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    max_completion_tokens: int | None = None
    max_output_tokens: int | None = None
    """One of the three limits is set: they are names for the same thing."""
    system: str | None = None
    """Instructions of the operator, sent before the prompt."""
    reasoning_effort: str | None = None
    thinking: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    extra_body: dict[str, Any] | None = None
    """Further fields of the body, which jz3 has no names for."""
    api: Literal["responses", "messages"] | None = None
    """None means Chat Completions."""
    draw: int | None = None
    """Number of the sample, set only if nothing else in the request differs from the first. It is not
    sent.
    """

    def row(self) -> dict[str, Any]:
        """The request as the store keeps it: only the fields that are set."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def body(self) -> dict[str, Any]:
        """The body of the request in the protocol."""
        return body_of(self.protocol, self.row())

    @property
    def protocol(self) -> Api:
        """The API by which it is sent."""
        return self.api or "chat"

    @property
    def limit(self) -> int:
        """The most tokens of an answer, including thoughts."""
        limits = (self.max_tokens, self.max_completion_tokens, self.max_output_tokens)
        (limit,) = (limit for limit in limits if limit is not None)
        return limit

    @property
    def prompt_tokens(self) -> int:
        """Approximate tokens of the prompt."""
        return guessed_tokens(self.prompt) + (guessed_tokens(self.system) if self.system else 0)


@dataclass(frozen=True)
class ChatAnswer:
    """A server's answer; `finish_reason` is its own word (`stop`, `length`, `content_filter` ...)."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    """Including the tokens of thoughts."""
    cached_tokens: int
    """Prompt tokens that the provider had in its cache and charges less for."""
    by_batch: bool
    """Whether it came through a batch file, at a batch's price."""
    counted: bool = True
    """Whether the server counted the tokens credibly; otherwise they are guessed from characters."""
    reasoning: str = ""
    """The model's thoughts if the server shows them, in a field of its own or before the text."""
    reasoning_tokens: int = 0
    """Tokens of thoughts, shown or not; guessed from characters if the server does not count them."""


@dataclass(frozen=True)
class ChatFailure:
    """Why a request has no answer."""

    reason: str


def chat_key(request: ChatRequest) -> str:
    """The key of a request in the store."""
    return request_key(CHAT, request.row())


def as_answer(body: Body, request: ChatRequest, *, by_batch: bool) -> ChatAnswer:
    """The first choice of an answer; tokens are guessed from characters if the server's counts are not
    credible.
    """
    message = body.choices[0].message
    usage = body.usage or Usage()
    asked, all_written = request.prompt + (request.system or ""), (message.content or "") + message.trace
    prompt, completion = usage.prompt_tokens, _written_tokens(usage)
    cached = (usage.prompt_tokens_details and usage.prompt_tokens_details.cached_tokens) or 0
    counted = prompt is not None and completion is not None and believable(prompt, asked)
    counted = counted and believable(completion or 0, all_written)
    if prompt is None or not believable(prompt, asked):
        prompt = request.prompt_tokens
    if completion is None or not believable(completion, all_written):
        completion = max(guessed_tokens(all_written), min(usage.reasoning_tokens, request.limit))
    reasoning, text = _split(message.content or "", message.trace)
    return ChatAnswer(
        text=text,
        finish_reason=ending(body.choices[0].finish_reason, completion, request.limit),
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached if 0 <= cached <= prompt else 0,
        by_batch=by_batch,
        counted=counted,
        reasoning=reasoning,
        reasoning_tokens=_reasoning_tokens(usage.reasoning_tokens, completion, reasoning, text),
    )


def _split(text: str, trace: str) -> tuple[str, str]:
    """Thoughts and text. If the text contains thoughts in addition to a trace, they stay in it for the
    rules.
    """
    return (trace, text) if trace.strip() else split_thought(text)


def _written_tokens(usage: Usage) -> int | None:
    """Tokens of text and thoughts: a few servers count thoughts only in the total (xAI, Gemini)."""
    written, total, prompt = usage.completion_tokens, usage.total_tokens, usage.prompt_tokens
    if written is None or total is None or prompt is None or not usage.reasoning_tokens:
        return written
    return max(written, total - prompt) if total - prompt == written + usage.reasoning_tokens else written


def _reasoning_tokens(said: int, completion: int, reasoning: str, text: str) -> int:
    """The server's count, or the thoughts' share of the tokens in proportion to their characters."""
    if said or not reasoning:
        return min(said, completion)
    return round(completion * len(reasoning) / (len(reasoning) + len(text)))


def guessed_tokens(text: str) -> int:
    """The approximate number of tokens of a text, from its characters."""
    return int(len(text) / CHARACTERS_PER_TOKEN) + 1


def believable(tokens: int, text: str) -> bool:
    """Whether a text of this length can have so many tokens."""
    return len(text) <= tokens * MOST_CHARACTERS and tokens <= MOST_TOKENS


def ending(said: str | None, tokens: int, limit: int) -> str:
    """Why a text ended: `stop`, `length`, or the server's own word; without a word, decided from its
    tokens.
    """
    if said is None:
        return "stop" if tokens < limit else "length"
    plain = said.lower().removeprefix("finish_reason_")
    return "stop" if plain in FINISHED else "length" if plain in CUT else said


def as_row(answer: ChatAnswer, body: Body) -> dict[str, Any]:
    """The answer as the store keeps it, with server and time, and with thoughts if there are any."""
    today = datetime.now(UTC).date().isoformat()
    row = {**vars(answer), "served_model": body.model, "answered_on": today}
    for name, usual in (("counted", True), ("reasoning", ""), ("reasoning_tokens", 0)):
        if row[name] == usual:
            del row[name]
    return row


def stored_answer(row: Mapping[str, Any]) -> ChatAnswer:
    """An answer from the store. Older rows lack fields, have thoughts in their text, and may hold counts that
    nobody checked.
    """
    prompt, cached = max(0, row["prompt_tokens"]), row.get("cached_tokens", 0)
    completion = max(0, row["completion_tokens"])
    reasoning, text = _split(row["text"], row.get("reasoning", ""))
    return ChatAnswer(
        text=text,
        finish_reason=ending(row["finish_reason"], 0, 1),
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached if 0 <= cached <= prompt else 0,
        by_batch=row.get("by_batch", False),
        counted=row.get("counted", True),
        reasoning=reasoning,
        reasoning_tokens=_reasoning_tokens(row.get("reasoning_tokens", 0), completion, reasoning, text),
    )
