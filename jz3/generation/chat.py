"""Requests to a teacher and its answers: what is asked, under which key it is kept, and what of an answer."""

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
"""An answer that was paid for and has thoughts alone, by attempt: the request stays without an answer."""

CHARACTERS_PER_TOKEN = 3.0
"""For limits, and for servers that do not count (chosen; English prose has 4, mathematics fewer)."""
MOST_CHARACTERS = 8
"""Characters a token that are believed (chosen: twice those of English prose)."""
MOST_TOKENS = 100_000_000
"""Of one request that are believed (chosen: ten times the longest context of a model)."""
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
"""Other words for `length`, as servers have them."""


@dataclass(frozen=True)
class ChatRequest:
    """A prompt as one user message. All that it has decides the row's key; where the server is does not.

    A field that is None is neither sent nor in the key.
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
    """One of the three limits is there: they are names of the same."""
    system: str | None = None
    """What stands before the prompt, as instructions of the operator."""
    reasoning_effort: str | None = None
    thinking: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    extra_body: dict[str, Any] | None = None
    """Fields of the body that jz3 has no name for."""
    api: Literal["responses", "messages"] | None = None
    """None: Chat Completions."""
    draw: int | None = None
    """Number of the sample, where nothing that is sent tells it from the first one. It is not sent."""

    def row(self) -> dict[str, Any]:
        """As the store keeps it: the fields that it has."""
        return {name: value for name, value in vars(self).items() if value is not None}

    def body(self) -> dict[str, Any]:
        """As the protocol has it."""
        return body_of(self.protocol, self.row())

    @property
    def protocol(self) -> Api:
        """The API that it is sent by."""
        return self.api or "chat"

    @property
    def limit(self) -> int:
        """Most tokens of an answer, thoughts among them."""
        limits = (self.max_tokens, self.max_completion_tokens, self.max_output_tokens)
        (limit,) = (limit for limit in limits if limit is not None)
        return limit

    @property
    def prompt_tokens(self) -> int:
        """About how many are read."""
        return guessed_tokens(self.prompt) + (guessed_tokens(self.system) if self.system else 0)


@dataclass(frozen=True)
class ChatAnswer:
    """What the server answered; `finish_reason` in its own words (`stop`, `length`, `content_filter` ...)."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    """Those of thoughts among them."""
    cached_tokens: int
    """Of the prompt's tokens, those that the provider had in its cache and charges less for."""
    by_batch: bool
    """Whether it came through a batch file, at the price of one."""
    counted: bool = True
    """Whether the server said how many tokens there are, and can be believed; else characters say."""
    reasoning: str = ""
    """What the model thought before, where the server shows it: in a field of its own, or before the text."""
    reasoning_tokens: int = 0
    """Tokens of thoughts, shown or not; by characters where the server does not count them."""


@dataclass(frozen=True)
class ChatFailure:
    """Why there is no answer."""

    reason: str


def chat_key(request: ChatRequest) -> str:
    """The key of a request in the store."""
    return request_key(CHAT, request.row())


def as_answer(body: Body, request: ChatRequest, *, by_batch: bool) -> ChatAnswer:
    """The first choice; tokens are guessed from characters where the server's counts cannot be."""
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
    """Thoughts and text. Where the text has thoughts beside a trace, rules see both."""
    return (trace, text) if trace.strip() else split_thought(text)


def _written_tokens(usage: Usage) -> int | None:
    """Tokens of text and thoughts: a few servers count thoughts in the total alone (xAI, Gemini)."""
    written, total, prompt = usage.completion_tokens, usage.total_tokens, usage.prompt_tokens
    if written is None or total is None or prompt is None or not usage.reasoning_tokens:
        return written
    return max(written, total - prompt) if total - prompt == written + usage.reasoning_tokens else written


def _reasoning_tokens(said: int, completion: int, reasoning: str, text: str) -> int:
    """As the server says, or the share of the tokens that the thoughts have of the characters."""
    if said or not reasoning:
        return min(said, completion)
    return round(completion * len(reasoning) / (len(reasoning) + len(text)))


def guessed_tokens(text: str) -> int:
    """About how many a text has."""
    return int(len(text) / CHARACTERS_PER_TOKEN) + 1


def believable(tokens: int, text: str) -> bool:
    """Whether a text can have so many tokens as far as its characters say."""
    return len(text) <= tokens * MOST_CHARACTERS and tokens <= MOST_TOKENS


def ending(said: str | None, tokens: int, limit: int) -> str:
    """Why a text ended: `stop`, `length`, or the server's own word. Without a word its tokens say."""
    if said is None:
        return "stop" if tokens < limit else "length"
    plain = said.lower().removeprefix("finish_reason_")
    return "stop" if plain in FINISHED else "length" if plain in CUT else said


def as_row(answer: ChatAnswer, body: Body) -> dict[str, Any]:
    """The answer as the store keeps it, with who served it and when; thoughts where there are any."""
    today = datetime.now(UTC).date().isoformat()
    row = {**vars(answer), "served_model": body.model, "answered_on": today}
    for name, usual in (("counted", True), ("reasoning", ""), ("reasoning_tokens", 0)):
        if row[name] == usual:
            del row[name]
    return row


def stored_answer(row: Mapping[str, Any]) -> ChatAnswer:
    """An answer from the store; older ones lack fields, have thoughts in their text, and may hold counts that
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
