"""Text for a terminal: control codes in the texts of models and users are shown, not obeyed."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters other than tab and line feed, marks of writing direction, separators and lone
surrogates: they set colours or titles, move the cursor, hide or reverse text, or cannot be written to a
terminal.
"""


@dataclass(frozen=True)
class Table:
    """Rows of cells under a head; as text, columns are aligned by blanks."""

    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    words: frozenset[int] = frozenset()
    """Numbers of the columns of words, which are aligned left; the others hold numbers. The last is not
    padded.
    """

    def widths(self) -> list[int]:
        return [max(len(row[place]) for row in (self.head, *self.rows)) for place in range(len(self.head))]

    def __str__(self) -> str:
        widths = self.widths()
        lines = (
            "  ".join(
                cell.ljust(width) if place in self.words else cell.rjust(width)
                for place, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in (self.head, *self.rows)
        )
        return "\n".join(line.rstrip() for line in lines)


def printable(text: str) -> str:
    r"""The text with `\u001b` in place of an escape character, and so on, which means the same inside a JSON
    string.
    """
    return STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def without_name(text: str, stage: str) -> str:
    """`8 steps` for `finetune: 8 steps`, for a line that begins with the stage `finetune@initial` already."""
    return re.sub(rf"^{re.escape(stage.partition('@')[0])}(: | |$)", "", text)


def duration(seconds: float) -> str:
    """A duration in words, such as `8 s`, `12 min`, `2 h 5 min`."""
    if seconds < 90:  # chosen: seconds mean little above that
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


def is_quiet() -> bool:
    """Whether remarks are unwanted (`jz3 -q`): warnings of all loggers are off."""
    import logging  # imported here so that `jz3 --help` answers without it

    return logging.root.manager.disable >= logging.WARNING
