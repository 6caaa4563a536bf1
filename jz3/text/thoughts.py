r"""What a model thinks before it answers, between marks such as `<think>` and `</think>`.

A thought ends at its first closing mark; one that is cut off goes on to the end of the text. A closing mark
without an opening one ends a thought that the prompt has opened.
"""

import re

_NAMES = r"(?:think|thinking|thought|thoughts|reasoning|reflection|scratchpad)"
MARK = (
    rf"(?i)<\s*/?\s*{_NAMES}\s*>|\[/?think\]|◁/?think▷|<\|(?:begin|end)_of_(?:thought|thinking)\|>"
    r"|<\|channel\|>\s*(?:analysis|commentary|final)[^<\n]*<\|message\|>"
)
"""Any mark of a thought, for Python and for polars."""
_MARK = re.compile(MARK)
_CLOSING = re.compile(r"(?i)</|<\s*/|\[/|◁/|<\|end_|<\|channel\|>\s*final")


def without_thoughts(text: str) -> str:
    """The text without its thoughts and their marks; as it is where it has none."""
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
