"""Answers as servers write them: chat completions, responses and messages, with any thoughts.

Text and thoughts count, since they are paid for: odd fields beside them must not lose either. Thoughts may be

- in a field of their own (`reasoning_content` of DeepSeek, `reasoning` of vLLM and OpenRouter,
  `reasoning_details`),
- parts of the content (`thinking` of Mistral and Anthropic),
- items of a response (`reasoning` of OpenAI),
- within the text, where the answer's reader finds them (jz3/notation/thoughts.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from jz3.generation.loose import count_of, fields_of, list_of, loose_json, whole_characters, word_of, written
from jz3.generation.secrets import REASON_CHARACTERS, Mask

TRACES = ("reasoning_content", "reasoning", "thinking", "reasoning_text")
"""Fields of a message that hold thoughts; if a server fills two of them, they are equal."""
FINISHED = ("stop", "eos", "eos_token", "eot", "end_turn", "stop_sequence", "end", "end_of_text", "complete",
            "completed", "finish", "finished")  # fmt: skip
"""Servers' words for `stop`."""
DEPTH = 5
"""The most levels of lists and objects around the text of a thought (chosen: real ones have three)."""


class Message(BaseModel):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    thinking: str | None = None
    reasoning_text: str | None = None
    reasoning_details: None = None
    """Any other form is read piece by piece."""

    @property
    def trace(self) -> str:
        """Its thoughts, if they have a field of their own."""
        return next(filter(None, (getattr(self, name) for name in TRACES)), "")


class Choice(BaseModel):
    message: Message
    finish_reason: str | None = None
    error: None = None
    """What broke the answer off, which is read elsewhere."""


class PromptDetails(BaseModel):
    cached_tokens: int | None = None


class CompletionDetails(BaseModel):
    reasoning_tokens: int | None = None


class Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    prompt_tokens_details: PromptDetails | None = None
    completion_tokens_details: CompletionDetails | None = None

    @property
    def reasoning_tokens(self) -> int:
        """Tokens of thoughts, as counted by the server; 0 if it does not count them."""
        details = self.completion_tokens_details
        return max(0, (details.reasoning_tokens if details else None) or 0)


class Body(BaseModel):
    """What we need of a server's answer: its first choice with a text, and the thoughts before that."""

    model: str | None = None
    choices: list[Choice]
    usage: Usage | None = None


@dataclass(frozen=True)
class Unreadable:
    """An answer without a text."""

    reason: str
    again: bool = True
    """Whether another attempt may bring one; false if the model ended without a text."""
    error: object = None
    """The error that a server put into a successful answer."""
    textless: Body | None = None
    """Its thoughts, shown or only counted; they were paid for."""


def read_body(content: bytes) -> Body | Unreadable:
    """Read a server's answer. If it has more choices than were asked for, the first with a text counts."""
    try:
        body = Body.model_validate_json(content)
    except ValidationError:
        return leniently(loose_json(content))
    choices = body.choices
    return body if choices and (choices[0].message.content or "").strip() else leniently(loose_json(content))


def leniently(said: object) -> Body | Unreadable:
    """Read JSON that is not exactly a chat completion of the protocol."""
    fields = fields_of(said)
    if isinstance(fields.get("output"), list):
        return _of_response(fields)
    if fields.get("type") == "message" and isinstance(fields.get("content"), list):
        return _of_message(fields)
    choices = [*filter(None, map(fields_of, list_of(fields.get("choices"))))]
    blocked = fields_of(fields.get("promptFeedback", fields.get("prompt_feedback")))
    blocked = blocked.get("blockReason", blocked.get("block_reason"))
    if not choices and blocked:
        return Unreadable(f"the prompt is blocked ({word_of(blocked)})", again=False)
    if not choices:
        error = fields.get("error")
        words = (
            "an error in its place" if error else "no JSON object" if not fields else "0 choices instead of 1"
        )
        return Unreadable(f"no chat completion: {words}", error=error)
    usage = _usage(fields_of(fields.get("usage")))
    choice = next((choice for choice in choices if written(choice).strip()), None)
    if choice and choice.get("error"):
        return Unreadable("the server broke the answer off", error=choice["error"])
    thought = choice or next((choice for choice in choices if _thoughts(choice)), None)
    found = thought or choices[0]
    body = _body(
        word_of(fields.get("model")),
        written(found),
        _thoughts(found),
        word_of(found.get("finish_reason")),
        usage,
    )
    silent = thought is None and (not usage.reasoning_tokens or _refused(found))
    if silent or (choice is None and _finished(word_of(found.get("finish_reason")))):
        return _wordless(found, body)
    return body


def _body(model: str | None, text: str, thoughts: str, ended: str | None, usage: Usage) -> Body:
    message = Message(content=text, reasoning_content=thoughts or None)
    return Body(model=model, choices=[Choice(message=message, finish_reason=ended)], usage=usage)


def _usage(said: Mapping[str, Any]) -> Usage:
    """Token counts of a chat completion or a response, in whatever form."""
    read = fields_of(said.get("prompt_tokens_details")) or fields_of(said.get("input_tokens_details"))
    wrote = fields_of(said.get("completion_tokens_details")) or fields_of(said.get("output_tokens_details"))
    thought = wrote.get("reasoning_tokens", wrote.get("thinking_tokens", said.get("reasoning_tokens")))
    return Usage(
        prompt_tokens=count_of(said.get("prompt_tokens", said.get("input_tokens"))),
        completion_tokens=count_of(said.get("completion_tokens", said.get("output_tokens"))),
        total_tokens=count_of(said.get("total_tokens")),
        prompt_tokens_details=PromptDetails(cached_tokens=count_of(read.get("cached_tokens"))),
        completion_tokens_details=CompletionDetails(reasoning_tokens=count_of(thought)),
    )


def _thoughts(choice: Mapping[str, Any]) -> str:
    """The thoughts of a chat completion's choice: a field of its message, or parts of its content."""
    message = fields_of(choice.get("message")) or fields_of(choice.get("delta"))
    for name in TRACES:
        if found := _joined(message.get(name)).strip():
            return whole_characters(found)
    parts = [fields_of(part) for part in list_of(message.get("content"))]
    thinking = [part for part in parts if part.get("type") in ("thinking", "reasoning")]
    details = [fields_of(detail) for detail in list_of(message.get("reasoning_details"))]
    return whole_characters("\n\n".join(filter(None, map(_joined, thinking or details))))


def _joined(part: object, depth: int = DEPTH) -> str:
    """The text of a thought: a string, a part, or a list of them, under any of the known names."""
    if isinstance(part, str):
        return part
    if not depth:
        return ""
    if isinstance(part, list):
        return "".join(_joined(piece, depth - 1) for piece in list_of(part))
    fields = fields_of(part)
    names = ("thinking", "text", "reasoning", "content", "summary", "value")
    return next((text for name in names if (text := _joined(fields.get(name), depth - 1))), "")


def _of_response(fields: Mapping[str, Any]) -> Body | Unreadable:
    """Read a response of OpenAI's API: items of thoughts, then messages; the status says whether it was
    cut.
    """
    items = [fields_of(item) for item in list_of(fields.get("output"))]
    text = "".join(written({"message": item}) for item in items if item.get("type") == "message")
    thoughts = "\n\n".join(filter(None, (_item(item) for item in items if item.get("type") == "reasoning")))
    cut = word_of(fields_of(fields.get("incomplete_details")).get("reason"))
    usage = _usage(fields_of(fields.get("usage")))
    ended = cut if fields.get("status") == "incomplete" else "stop"
    body = _body(word_of(fields.get("model")), text, whole_characters(thoughts), ended, usage)
    if fields.get("status") in ("failed", "cancelled", "in_progress", "queued"):
        error = fields.get("error")
        return Unreadable(f"the response is {fields['status']}", error=error, textless=_thinking(body))
    refused = next(filter(None, (_refusal(item) for item in items)), None)
    silent = not (thoughts or usage.reasoning_tokens) or fields.get("status") != "incomplete"
    if not text.strip() and (refused or silent):
        why = f"the answer has no text ({refused or cut or fields.get('status')})"
        return Unreadable(why, again=False, textless=_thinking(body))
    return body


def _item(item: Mapping[str, Any]) -> str:
    """The thoughts of an item: themselves if the server shows them, otherwise their summary."""
    parts = list_of(item.get("content")) or list_of(item.get("summary"))
    return "\n\n".join(filter(None, map(_joined, parts)))


def _refusal(item: Mapping[str, Any]) -> str | None:
    parts = [fields_of(part) for part in list_of(item.get("content"))]
    return next((word_of(part.get("refusal")) for part in parts if part.get("type") == "refusal"), None)


def _of_message(fields: Mapping[str, Any]) -> Body | Unreadable:
    """Read a message of Anthropic: blocks of thoughts and of text. Its output tokens include thoughts."""
    blocks = [fields_of(block) for block in list_of(fields.get("content"))]
    text = "".join(_joined(block.get("text")) for block in blocks if block.get("type") == "text")
    thoughts = "\n\n".join(
        filter(None, (_joined(block.get("thinking")) for block in blocks if block.get("type") == "thinking"))
    )
    ended, said = word_of(fields.get("stop_reason")), fields_of(fields.get("usage"))
    cached = count_of(said.get("cache_read_input_tokens")) or 0
    read = [count_of(said.get(name)) for name in ("input_tokens", "cache_creation_input_tokens")]
    counted = _usage(said)
    usage = counted.model_copy(
        update={
            "prompt_tokens": None if read[0] is None else read[0] + (read[1] or 0) + cached,
            "prompt_tokens_details": PromptDetails(cached_tokens=cached),
        }
    )
    body = _body(
        word_of(fields.get("model")), whole_characters(text), whole_characters(thoughts), ended, usage
    )
    silent = _finished(ended) or not (thoughts or ended == "max_tokens")
    if not text.strip() and (ended == "refusal" or silent):
        return Unreadable(f"the answer has no text ({ended})", again=False, textless=_thinking(body))
    return body


def _finished(ended: str | None) -> bool:
    """Whether a model ended by itself, according to the server: then it should have written a text."""
    return ended is None or ended.lower().removeprefix("finish_reason_") in FINISHED


def _refused(choice: Mapping[str, Any]) -> bool:
    return bool(fields_of(choice.get("message")).get("refusal") or choice.get("error"))


def _thinking(body: Body) -> Body | None:
    """The body, if it shows or counts thoughts."""
    return body if body.choices[0].message.trace or (body.usage or Usage()).reasoning_tokens else None


def _wordless(choice: Mapping[str, Any], body: Body) -> Unreadable:
    """The outcome of a choice without text: a refusal, or a thought that the server took for the whole
    answer. Another attempt of this run would bring the same; a later run asks again, perhaps of a server that
    was fixed.
    """
    refused = fields_of(choice.get("message")).get("refusal")
    ended = refused if isinstance(refused, str) and refused else word_of(choice.get("finish_reason"))
    error = choice.get("error")
    why = f"the answer has no text ({ended})"
    return Unreadable(why, again=bool(error), error=error, textless=_thinking(body))


def masked(body: Body, mask: Mask) -> Body:
    """The answer without the key, which a server may put anywhere."""
    choice = body.choices[0]
    message = choice.message
    message.content = mask.text(message.content or "")
    message.reasoning_content = mask.text(message.trace) or None
    message.reasoning = None
    choice.finish_reason = choice.finish_reason and mask.text(choice.finish_reason)[:REASON_CHARACTERS]
    body.model = body.model and mask.text(body.model)[:REASON_CHARACTERS]
    return body
