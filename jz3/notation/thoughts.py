r"""A model's thoughts before it answers, between marks such as `<think>` and `</think>`.

This is the only table of these marks: both parse and the grader use it, so that no box is a thought to one of
them and an answer to the other.

A thought ends at its first closing mark; one that is cut off extends to the end of the text. A closing mark
without an opening one ends a thought that the prompt opened.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

TAGS = (
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reason",
    "reflection",
    "scratchpad",
    "analysis",
    "seed:think",
    "longcat_think",
)
"""`<think>` and `</think>`, in any case."""
PAIRS = (
    ("[think]", "[/think]"),
    ("◁think▷", "◁/think▷"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|begin_of_thinking|>", "<|end_of_thinking|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<unused94>", "<unused95>"),
)
"""Whole marks, in any case. Source of both tables: chat templates and model cards of reasoning models."""
_CHANNEL = r"<\|channel\|>\s*(?:{})\b[^<\n]*(?:<\|constrain\|>[^<\n]*)?<\|message\|>"
_TAG = rf"(?:{'|'.join(TAGS)})"
_OPENINGS = [
    rf"<\s*{_TAG}\s*>",
    *(re.escape(opening) for opening, _ in PAIRS),
    _CHANNEL.format("analysis|commentary"),
]
_CLOSINGS = [
    rf"<\s*/\s*{_TAG}\s*>",
    *(re.escape(closing) for _, closing in PAIRS),
    _CHANNEL.format("final"),
]
OPENING, CLOSING = "|".join(_OPENINGS), "|".join(_CLOSINGS)
MARK = f"(?i){OPENING}|{CLOSING}"
"""Any mark of a thought, for Python and for polars."""
_FIRST = "<[◁"
"""Each mark begins with one of these."""
_CLOSING = re.compile(CLOSING, re.IGNORECASE)


def _beginning_with(sign: str) -> re.Pattern[str]:
    """The marks that begin with a sign. The sign is outside the alternatives, so that `re` jumps to it, and
    there are no groups: both make a search several times faster.
    """
    escaped = re.escape(sign)
    marks = (mark.removeprefix(escaped) for mark in _OPENINGS + _CLOSINGS if mark.startswith(escaped))
    return re.compile(f"{escaped}(?:{'|'.join(marks)})", re.IGNORECASE)


_MARKS = {sign: _beginning_with(sign) for sign in _FIRST}


def marks_in(text: str) -> Iterator[re.Match[str]]:
    """The marks of thoughts in a text, in order, as a search for `MARK` would find them."""
    found = [mark for sign, marks in _MARKS.items() if sign in text for mark in marks.finditer(text)]
    end = 0
    for mark in sorted(found, key=re.Match[str].start):
        if mark.start() >= end:
            end = mark.end()
            yield mark


def without_thoughts(text: str) -> str:
    """The text without its thoughts and their marks; unchanged if it has none. One pass."""
    if not any(sign in text for sign in _FIRST):
        return text
    kept: list[str] = []
    place, thinking = 0, False
    for mark in marks_in(text):
        if _CLOSING.match(mark[0]):
            if not thinking:
                kept.clear()
            thinking = False
            place = mark.end()
        elif not thinking:
            kept.append(text[place : mark.start()])
            thinking = True
    if not thinking:
        kept.append(text[place:])
    return "".join(kept) if place or thinking else text


@dataclass(frozen=True)
class Thoughts:
    """A text divided into thoughts and answer."""

    thoughts: tuple[str, ...]
    """Thoughts without their marks; blank ones do not count."""
    before: str
    """The text before the first thought."""
    answer: str
    """The same as `without_thoughts`."""
    open: bool
    """Whether the last thought extends to the end of the text."""


def read_thoughts(text: str) -> Thoughts:
    """The thoughts of a text and the rest. One pass."""
    if not any(sign in text for sign in _FIRST):
        return Thoughts((), text, text, open=False)
    thoughts: list[str] = []
    kept: list[str] = []
    before: str | None = None
    place, thinking = 0, False
    for mark in marks_in(text):
        piece = text[place : mark.start()]
        if _CLOSING.match(mark[0]):
            thoughts.append(piece if thinking else "".join((*kept, piece)))
            if not thinking:
                kept.clear()
                before = before or ""
            place, thinking = mark.end(), False
        elif not thinking:
            before = piece if before is None else before
            kept.append(piece)
            place, thinking = mark.end(), True
    if thinking:
        thoughts.append(text[place:])
    else:
        kept.append(text[place:])
    whole = map(_unframed, thoughts)
    answer = "".join(kept)
    return Thoughts(tuple(filter(None, whole)), answer if before is None else before, answer, open=thinking)


def split_thought(text: str) -> tuple[str, str]:
    """The thought and the answer of a text that is one thought, then its answer; otherwise an empty thought
    and the text.

    Any other text keeps its marks, by which rules reject it.
    """
    read = read_thoughts(text)
    if read.open or len(read.thoughts) != 1 or read.before.strip():
        return "", text
    return read.thoughts[0], read.answer


def _unframed(thought: str) -> str:
    """Remove the marks between two messages of a text with channels."""
    thought = thought.strip()
    frame = thought.removesuffix("assistant").rstrip()
    if frame.endswith("<|start|>"):
        thought = frame.removesuffix("<|start|>").rstrip()
    return thought.removesuffix("<|end|>").rstrip()
