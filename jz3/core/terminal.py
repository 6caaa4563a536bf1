"""What goes to a terminal: texts of models and users, in which what would steer it is shown, not obeyed."""

import re

STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters but tab and line feed, marks of writing direction, separators, halves of surrogate
pairs: colours, titles, moves of the cursor, hidden or turned text, and what no terminal can write."""


def printable(text: str) -> str:
    r"""The text with `\u001b` in place of an escape, and so on; within JSON strings that means the same."""
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def is_quiet() -> bool:
    """Whether remarks are not wanted (`jz3 -q`): warnings of all loggers are off."""
    import logging  # `jz3 --help` answers without it

    return logging.root.manager.disable >= logging.WARNING
