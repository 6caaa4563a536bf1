"""Turns of a conversation: `[{"role": "user", "content": "..."}, ...]`, also with `from` and `value`."""

import json
from collections.abc import Sequence
from typing import Any, cast

TURNS = ("messages", "conversations", "conversation")
"""Names of the field that holds them."""
ASKING = ("user", "human")
ANSWERING = ("assistant", "gpt", "model")
Turn = tuple[str, str]
"""The speaker and the text."""


def turns_of(value: object) -> list[Turn] | None:
    """The turns, if the value is a list of them, or the JSON of one, as CSV files have it."""
    if isinstance(value, str) and value.lstrip().startswith("[{"):
        value = _list_of(value)
    if not isinstance(value, list) or not value:
        return None
    turns: list[Turn] = []
    for turn in cast("list[Any]", value):
        if not isinstance(turn, dict):
            return None
        said = cast("dict[str, Any]", turn)
        who, text = said.get("role", said.get("from")), said.get("content", said.get("value"))
        if not isinstance(who, str):
            return None
        if isinstance(text, list):
            parts = [part.get("text") for part in cast("list[Any]", text) if isinstance(part, dict)]
            text = "\n".join(part for part in parts if isinstance(part, str))
        turns.append((who, text if isinstance(text, str) else ""))
    return turns


def first_of_speakers(turns: Sequence[Turn], speakers: Sequence[str]) -> str | None:
    """The first text that one of the speakers says; None if they say nothing."""
    return next((text for who, text in turns if who in speakers), None)


def last_of_speakers(turns: Sequence[Turn], speakers: Sequence[str]) -> str | None:
    """The last text that one of the speakers says; None if they say nothing."""
    return first_of_speakers(turns[::-1], speakers)


def _list_of(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
