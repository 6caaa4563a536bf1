r"""What a model thinks before it answers, between marks such as `<think>` and `</think>`.

The one table of these marks: parse and the grader both read by it, so that no box is a thought to one of them
and an answer to the other.

A thought ends at its first closing mark; one that is cut off goes on to the end of the text. A closing mark
without an opening one ends a thought that the prompt has opened.
"""

import re

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
"""Whole marks, in any case. Source of both tables: chat templates and model cards of models that think."""
_CHANNEL = r"<\|channel\|>\s*(?:{})\b[^<\n]*(?:<\|constrain\|>[^<\n]*)?<\|message\|>"
_TAG = rf"(?:{'|'.join(TAGS)})"
OPENING = "|".join(
    [
        rf"<\s*{_TAG}\s*>",
        *(re.escape(opening) for opening, _ in PAIRS),
        _CHANNEL.format("analysis|commentary"),
    ]
)
CLOSING = "|".join(
    (rf"<\s*/\s*{_TAG}\s*>", *(re.escape(closing) for _, closing in PAIRS), _CHANNEL.format("final"))
)
MARK = f"(?i){OPENING}|{CLOSING}"
"""Any mark of a thought, for Python and for polars."""
_FIRST = frozenset("<[◁")
_MARK = re.compile(MARK)  # without groups, which would make the search five times slower
_CLOSING = re.compile(CLOSING, re.IGNORECASE)


def without_thoughts(text: str) -> str:
    """The text without its thoughts and their marks; as it is where it has none. One pass over it."""
    if not any(sign in text for sign in _FIRST):
        return text
    kept: list[str] = []
    place, thinking = 0, False
    for mark in _MARK.finditer(text):
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
