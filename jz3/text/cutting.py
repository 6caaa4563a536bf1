r"""Cuts texts into pieces that end where a reader would stop: after a sentence, else between words; never
inside a word or a formula (`$...$`, `$$...$$`, `\(...\)`, `\[...\]`).
"""

import re
from collections.abc import Iterator
from itertools import takewhile

FORMULA = re.compile(r"\$\$.+?\$\$|\$[^$\n]+?\$|\\\(.+?\\\)|\\\[.+?\\\]", re.DOTALL)
SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s)|\n(?=\s*\n)")
BLANK = re.compile(r"\s")

LEAST_SHARE = 0.5
"""A sentence end before half of the piece is passed over for a later blank: pieces stay of one size
(chosen).
"""


def cut(text: str, start: int, length: int) -> int:
    """The end of the piece of `text` that begins at `start` and is at most `length` characters long.

    Equal to `start` where no place to cut exists: one word or formula is longer than the piece.
    """
    if len(text) - start <= length:
        return len(text)
    formulas = [(found.start() - start, found.end() - start) for found in _formulas(text, start, length)]
    for place in _places(text[start : start + length + 1], length):
        if place > 0 and not any(begin < place < end for begin, end in formulas):
            return start + place
    return start


def pieces(text: str, length: int, most: int) -> list[tuple[int, str]]:
    """At most `most` pieces of at most `length` characters from the front of `text`, each with its offset."""
    found: list[tuple[int, str]] = []
    start = _skip_blanks(text, 0)
    while start < len(text) and len(found) < most:
        end = cut(text, start, length)
        if end == start:
            break
        found.append((start, text[start:end].rstrip()))
        start = _skip_blanks(text, end)
    return found


def _places(window: str, length: int) -> Iterator[int]:
    """Where to cut, the best place first; the next is looked for when it is asked for."""
    ends = [end.end() for end in SENTENCE_END.finditer(window) if end.end() <= length]
    yield from reversed([end for end in ends if end >= length * LEAST_SHARE])
    yield from reversed([blank.start() for blank in BLANK.finditer(window)])
    yield from reversed(ends)


def _formulas(text: str, start: int, length: int) -> Iterator[re.Match[str]]:
    """Formulas that begin inside the piece; they may end far behind it."""
    return takewhile(lambda found: found.start() <= start + length, FORMULA.finditer(text, start))


def _skip_blanks(text: str, start: int) -> int:
    while start < len(text) and text[start].isspace():
        start += 1
    return start
