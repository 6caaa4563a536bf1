"""Reads what servers send in forms other than the protocol's: returns what it finds, or nothing."""

import json
import re
from collections.abc import Mapping
from typing import Any, cast

WHOLE_RESPONSE = ("response.completed", "response.incomplete", "response.failed")
"""Events that end a stream of the Responses API; each contains the whole response."""
OF_EVENTS = re.compile(r"\s*(?:data|event|id|retry)?:")
"""How a stream of events begins; a line without a name is a comment, by which servers keep a line open."""
LINE = re.compile(r"\r\n|\r|\n")
DEPTH = 4
"""The most levels of lists and objects around a text (chosen: real ones have two)."""


def written(choice: Mapping[str, Any]) -> str:
    """The text of a choice: a string, or parts, of which texts count and thoughts do not."""
    return whole_characters(_text(choice))


def _text(choice: Mapping[str, Any]) -> str:
    message: object = choice.get("message") or choice.get("delta")
    beside: object = choice.get("text")
    return _part(
        fields_of(message).get("content", beside) if isinstance(message, dict) else message or beside
    )


def _part(part: object, depth: int = DEPTH) -> str:
    if isinstance(part, str):
        return part
    if not depth:
        return ""
    if isinstance(part, list):
        return "".join(_part(piece, depth - 1) for piece in list_of(part))
    fields = fields_of(part)
    if fields.get("type", "text") not in ("text", "output_text"):
        return ""
    names = ("text", "value", "content", "parts")
    return next((text for name in names if (text := _part(fields.get(name), depth - 1))), "")


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
    if not OF_EVENTS.match(text):
        return _json(text)
    lines = LINE.split(text)
    events = [fields_of(_json(line[5:])) for line in lines if line.startswith("data:")]
    return _of_events(events) if events else _json("\n".join(line for line in lines if line[:1] != ":"))


def _json(text: str) -> object:
    """The first value of a text: what follows it takes nothing from an answer that was paid for."""
    try:
        return DECODER.raw_decode(text.lstrip())[0]
    except (ValueError, RecursionError):
        return None


def _integer(digits: str) -> float:
    """Read an integer of any length: Python refuses more than 4,300 digits."""
    return int(digits) if len(digits) < 19 else float(digits)


DECODER = json.JSONDecoder(parse_int=_integer, strict=False)
"""Takes line breaks and other control characters in texts, which some servers do not escape."""


def _of_events(events: list[dict[str, Any]]) -> object:
    """The answer in a stream of events, or the error that broke it off; None if the stream is incomplete."""
    errors = [event["error"] for event in events if event.get("error")]
    if errors:
        return {"error": errors[-1]}
    whole = [event.get("response") for event in events if event.get("type") in WHOLE_RESPONSE]
    if whole:
        return whole[-1]
    choices = [fields_of(choice) for event in events for choice in list_of(event.get("choices"))]
    numbers = [choice["index"] for choice in choices if choice.get("index") is not None]
    choices = [choice for choice in choices if choice.get("index") in (None, *numbers[:1])]
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
