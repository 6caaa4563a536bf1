"""Marks by which chat templates end a turn: what a server leaves of them in a text is said to nobody."""

import re

_TURN = re.compile(
    r"<\|(?:im_start|im_end|eot_id|eom_id|endoftext|end_of_text|end|return|user|assistant|system"
    r"|start_header_id)\|>"
    r"|</s>|<s>|<end_of_turn>|<start_of_turn>|\[/?INST\]"
)
SIGNS_OF_TURNS = ("<|", "</s>", "<s>", "_turn>", "INST]")
"""Each mark of a turn has one of these in it."""


def first_turn(text: str) -> str:
    """The text up to the first mark of a turn after some content; marks at the beginning are skipped."""
    if not any(sign in text for sign in SIGNS_OF_TURNS):
        return text
    position = 0
    for match in _TURN.finditer(text):
        said = text[position : match.start()].strip()
        if said and said not in ("assistant", "user", "system"):
            return text[position : match.start()]
        position = match.end()
    return text[position:]
