"""Reads what servers send in forms other than the protocol's: returns what it finds, or nothing."""

import json
from collections.abc import Mapping
from typing import Any, cast

WHOLE_RESPONSE = ("response.completed", "response.incomplete", "response.failed")
"""Events that end a stream of the Responses API; each contains the whole response."""


def written(choice: Mapping[str, Any]) -> str:
    """The text of a choice: a string, or parts, of which texts count and thoughts do not."""
    return whole_characters(_text(choice))


def _text(choice: Mapping[str, Any]) -> str:
    message = fields_of(choice.get("message")) or fields_of(choice.get("delta"))
    content: object = message.get("content", choice.get("text"))
    return "".join(map(_part, list_of(content) or [content]))


def _part(part: object) -> str:
    if isinstance(part, str):
        return part
    fields = fields_of(part)
    text = fields.get("text") if fields.get("type", "text") in ("text", "output_text") else None
    text = text.get("value") if isinstance(text, dict) else text
    return text if isinstance(text, str) else ""


def fields_of(value: object) -> dict[str, Any]:
    """The value if it is an object, otherwise an empty one."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def list_of(value: object) -> list[object]:
    """The value if it is a list, otherwise an empty one."""
    return cast("list[object]", value) if isinstance(value, list) else []


def word_of(value: object) -> str | None:
    """A name as a server writes it, even if it is a number."""
    return whole_characters(str(value)) if isinstance(value, str | int | float) else None


def count_of(value: object) -> int | None:
    """A number of tokens in any form; None if the value is not one."""
    try:
        return None if isinstance(value, bool) else int(float(cast("str", value)))
    except (ValueError, TypeError, OverflowError):
        return None


def whole_characters(text: str) -> str:
    """Replace lone surrogates by U+FFFD: models write cut emoji, which no file can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def loose_json(content: bytes) -> object:
    """JSON in any Unicode encoding, or a stream of events that was not asked for; None for anything else."""
    text = content.decode(json.detect_encoding(content), "replace").lstrip("\ufeff")
    if text.lstrip().startswith("data:"):
        return _of_events(text)
    return _json(text)


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_int=_integer)
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> float:
    """Read an integer of any length: Python refuses more than 4,300 digits."""
    return int(digits) if len(digits) < 19 else float(digits)


def _of_events(text: str) -> object:
    """The answer in a stream of events; None if the stream is incomplete."""
    events = [fields_of(_json(line[5:])) for line in text.split("\n") if line.startswith("data:")]
    whole = [event.get("response") for event in events if event.get("type") in WHOLE_RESPONSE]
    if whole:
        return whole[-1]
    choices = [fields_of(choice) for event in events for choice in list_of(event.get("choices"))]
    ends = [choice["finish_reason"] for choice in choices if choice.get("finish_reason")]
    if not ends:
        return None
    usage = [event["usage"] for event in events if event.get("usage")]
    message = {"content": "".join(map(_text, choices))}
    deltas = [fields_of(choice.get("delta")) for choice in choices]
    for name in ("reasoning_content", "reasoning"):
        message[name] = "".join(word for delta in deltas if isinstance(word := delta.get(name), str))
    choice = {"message": message, "finish_reason": ends[-1]}
    return {"model": events[0].get("model"), "choices": [choice], "usage": usage[-1] if usage else None}
