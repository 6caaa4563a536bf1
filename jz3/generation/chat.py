"""Chat requests and answers: what is asked, under which key it is kept, and how a server's answer is read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from pydantic import BaseModel, ValidationError

from jz3.generation.loose import count_of, fields_of, list_of, loose_json, word_of, written
from jz3.generation.secrets import REASON_CHARACTERS, Mask
from jz3.store.row_store import Operation, request_key

CHAT = Operation("chat", 1)

CHARACTERS_PER_TOKEN = 3.0
"""For limits, and for servers that do not count (chosen; English prose has 4, mathematics fewer)."""
MOST_CHARACTERS = 8
"""Characters a token that are believed (chosen: twice those of English prose)."""
MOST_TOKENS = 100_000_000
"""Of one request that are believed (chosen: ten times the longest context of a model)."""
FINISHED = ("stop", "eos", "eos_token", "eot", "end_turn", "stop_sequence", "end", "end_of_text", "complete",
            "completed", "finish", "finished")  # fmt: skip
CUT = ("length", "max_tokens", "max_length", "max_output_tokens", "model_length", "token_limit", "truncated")
"""Other words for `stop` and `length`, as servers have them."""


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
        return guessed_tokens(self.prompt)


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
    counted: bool = True
    """Whether the server said how many tokens there are, and can be believed; else characters say."""


@dataclass(frozen=True)
class ChatFailure:
    """Why there is no answer."""

    reason: str


class _Message(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None


class Body(BaseModel):
    """What we need of a server's answer, its first choice with a text in front."""

    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


@dataclass(frozen=True)
class Unreadable:
    """An answer that holds no text."""

    reason: str
    again: bool = True
    """Whether another attempt may bring one: not where the model has ended without a word."""
    error: object = None
    """The error that a server put into an answer with the status of success."""


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
    """A server's answer. What counts is the text: it is paid for, and odd fields beside it lose none.

    Of more choices than the one asked for the first with a text counts.
    """
    try:
        body = Body.model_validate_json(content)
    except ValidationError:
        return leniently(loose_json(content))
    choices = body.choices
    return body if choices and (choices[0].message.content or "").strip() else leniently(loose_json(content))


def leniently(said: object) -> Body | Unreadable:
    """The same of JSON that is no answer as the protocol has it."""
    fields = fields_of(said)
    choices = [fields_of(choice) for choice in list_of(fields.get("choices"))]
    if not choices:
        error = fields.get("error")
        words = (
            "an error in its place" if error else "no JSON object" if not fields else "0 choices instead of 1"
        )
        return Unreadable(f"no chat completion: {words}", error=error)
    choice = next((choice for choice in choices if written(choice).strip()), None)
    if choice is None:
        return _wordless(choices[0])
    usage = fields_of(fields.get("usage"))
    details = fields_of(usage.get("prompt_tokens_details"))
    return Body(
        model=word_of(fields.get("model")),
        choices=[
            _Choice(
                message=_Message(content=written(choice)), finish_reason=word_of(choice.get("finish_reason"))
            )
        ],
        usage=_Usage(
            prompt_tokens=count_of(usage.get("prompt_tokens")),
            completion_tokens=count_of(usage.get("completion_tokens")),
            prompt_tokens_details=_PromptDetails(cached_tokens=count_of(details.get("cached_tokens"))),
        ),
    )


def _wordless(choice: Mapping[str, Any]) -> Unreadable:
    """A choice without a text: a refusal, or thoughts that took all tokens. Its seed gives it again."""
    refused = fields_of(choice.get("message")).get("refusal")
    ended = refused if isinstance(refused, str) and refused else word_of(choice.get("finish_reason"))
    error = choice.get("error")
    return Unreadable(f"the answer has no text ({ended})", again=bool(error), error=error)


def masked(body: Body, mask: Mask) -> Body:
    """The answer without the key, which a server may put anywhere."""
    choice = body.choices[0]
    choice.message.content = mask.text(choice.message.content or "")
    choice.finish_reason = choice.finish_reason and mask.text(choice.finish_reason)[:REASON_CHARACTERS]
    body.model = body.model and mask.text(body.model)[:REASON_CHARACTERS]
    return body


def as_answer(body: Body, request: ChatRequest, *, by_batch: bool) -> ChatAnswer:
    """The first choice; tokens are guessed from characters where the server's counts cannot be."""
    text = body.choices[0].message.content or ""
    usage = body.usage or _Usage()
    details = usage.prompt_tokens_details
    prompt, completion = usage.prompt_tokens, usage.completion_tokens
    cached = (details.cached_tokens if details else None) or 0
    counted = prompt is not None and completion is not None and believable(prompt, request.prompt)
    counted = counted and believable(completion or 0, text)
    if prompt is None or not believable(prompt, request.prompt):
        prompt = request.prompt_tokens
    if completion is None or not believable(completion, text):
        completion = guessed_tokens(text)
    return ChatAnswer(
        text=text,
        finish_reason=ending(body.choices[0].finish_reason, completion, request.max_tokens),
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=cached if 0 <= cached <= prompt else 0,
        by_batch=by_batch,
        counted=counted,
    )


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
    """The answer as the store keeps it, with who served it and when."""
    today = datetime.now(UTC).date().isoformat()
    row = {**vars(answer), "served_model": body.model, "answered_on": today}
    if answer.counted:
        del row["counted"]
    return row


def stored_answer(row: Mapping[str, Any]) -> ChatAnswer:
    """An answer from the store; older ones lack fields, and may hold counts that nobody checked."""
    prompt, cached = max(0, row["prompt_tokens"]), row.get("cached_tokens", 0)
    return ChatAnswer(
        text=row["text"],
        finish_reason=ending(row["finish_reason"], 0, 1),
        prompt_tokens=prompt,
        completion_tokens=max(0, row["completion_tokens"]),
        cached_tokens=cached if 0 <= cached <= prompt else 0,
        by_batch=row.get("by_batch", False),
        counted=row.get("counted", True),
    )


def batch_line(key: str, request: ChatRequest) -> bytes:
    """The request as a line of a batch file."""
    line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": request.body()}
    return json.dumps(line, ensure_ascii=True).encode() + b"\n"
