"""Chat requests and answers: what is asked, under which key it is kept, and how a server's answer is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from jz3.store.rows import Operation, request_key

Read = TypeVar("Read", bound=BaseModel)

CHAT = Operation("chat", 1)

CHARACTERS_PER_TOKEN = 3.0
"""For limits, and for servers that do not count (chosen; English prose has 4, mathematics fewer)."""


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

    def body(self) -> dict[str, Any]:
        """As the protocol has it."""
        return {
            "model": self.model,
            "messages": [{"role": "user", "content": self.prompt}],
            "temperature": self.temperature,
            "top_p": self.top_p,
            "max_tokens": self.max_tokens,
            "seed": self.seed,
            "n": 1,
        }

    @property
    def prompt_tokens(self) -> int:
        """About how many."""
        return int(len(self.prompt) / CHARACTERS_PER_TOKEN) + 1


@dataclass(frozen=True)
class ChatAnswer:
    """What the server answered; `finish_reason` in its own words (`stop`, `length`, `content_filter` ...)."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    cached_tokens: int
    """Of the prompt's tokens, those that the provider had in its cache and charges less for."""
    by_batch: bool
    """Whether it came through a batch file, at the price of one."""


@dataclass(frozen=True)
class ChatFailure:
    """Why there is no answer."""

    reason: str


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int
    prompt_tokens_details: _PromptDetails | None = None


class Body(BaseModel):
    """What we need of a server's answer. Servers differ: it is checked here, not trusted."""

    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


@dataclass(frozen=True)
class Unreadable:
    """An answer that holds no completion."""

    reason: str


def chat_key(request: ChatRequest) -> str:
    """The key of a request in the store."""
    return request_key(CHAT, vars(request))


def body_bytes(body: Mapping[str, Any]) -> bytes:
    """A request as it is sent. Lone surrogates, which texts of the web have, go as escapes."""
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return json.dumps(body, separators=(",", ":")).encode()


def read_body(content: bytes) -> Body | Unreadable:
    """A server's answer. Of more choices than the one asked for the first counts: they were paid for."""
    try:
        body = read_json(Body, content)
    except ValidationError as error:
        return Unreadable(one_line(f"no chat completion: {error}"))
    return body if body.choices else Unreadable("0 choices instead of 1")


def read_json(model: type[Read], content: bytes) -> Read:
    """What a server wrote as JSON; raises ValidationError. What is no character there becomes U+FFFD.

    Models write halves of surrogate pairs, cut emoji among them, and servers pass them on as escapes, which
    pydantic does not read. The answer is paid for and is kept.
    """
    try:
        return model.model_validate_json(content)
    except ValidationError:
        try:
            value = json.loads(content.decode("utf-8", "replace"))
        except (ValueError, RecursionError):
            value = None
        if value is None:
            raise
        written = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
        return model.model_validate_json(written.decode("utf-16", "replace"))


def as_answer(body: Body, request: ChatRequest, *, by_batch: bool) -> ChatAnswer:
    """The first choice; tokens are guessed from characters where the server does not count."""
    text = body.choices[0].message.content or ""
    usage = body.usage or _Usage(
        prompt_tokens=request.prompt_tokens, completion_tokens=int(len(text) / CHARACTERS_PER_TOKEN)
    )
    details = usage.prompt_tokens_details
    return ChatAnswer(
        text=text,
        finish_reason=body.choices[0].finish_reason,
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        cached_tokens=(details.cached_tokens if details else None) or 0,
        by_batch=by_batch,
    )


def as_row(answer: ChatAnswer, body: Body) -> dict[str, Any]:
    """The answer as the store keeps it, with who served it and when."""
    today = datetime.now(UTC).date().isoformat()
    return {**vars(answer), "served_model": body.model, "answered_on": today}


def stored_answer(row: Mapping[str, Any]) -> ChatAnswer:
    """An answer from the store; those of before caches and batches were counted have neither."""
    return ChatAnswer(
        text=row["text"],
        finish_reason=row["finish_reason"],
        prompt_tokens=row["prompt_tokens"],
        completion_tokens=row["completion_tokens"],
        cached_tokens=row.get("cached_tokens", 0),
        by_batch=row.get("by_batch", False),
    )


def batch_line(key: str, request: ChatRequest) -> bytes:
    """The request as a line of a batch file."""
    line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": request.body()}
    return json.dumps(line, ensure_ascii=True).encode() + b"\n"


def one_line(text: str) -> str:
    """A server's words, short enough for a table."""
    return " ".join(text.split())[:300]
