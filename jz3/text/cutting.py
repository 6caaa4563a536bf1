r"""Cuts texts into pieces that end where a reader would stop: after a sentence, else between words; never
inside a word, a formula, a display or a comment (`jz3.text.regions` says what these are).

Linear in the length of what is cut, whatever it holds.
"""

import re
from collections.abc import Iterator

from jz3.text.regions import Notation, Regions

# Written out: where each way begins with a character of its own, the search skips all others fast.
SENTENCE_END = re.compile(r"\.[\"')\]]*(?=\s)|\![\"')\]]*(?=\s)|\?[\"')\]]*(?=\s)|\n(?=[^\S\n]*\n)")
BLANK = re.compile(r"\s")
NOT_BLANK = re.compile(r"\S")

LEAST_SHARE = 0.5
"""A sentence end before half of the piece is passed over for a later blank: pieces stay of one size
(chosen).
"""


def pieces(
    text: str, length: int, most: int, least: int = 1, notation: Notation = "markdown"
) -> list[tuple[int, str]]:
    """Cut at most `most` pieces of `least` to `length` characters from the front of `text`; each comes
    with its offset.

    Where no such piece begins, all up to the end of the word, formula or comment that stands in the way is
    passed over; a shorter rest is left.
    """
    found: list[tuple[int, str]] = []
    regions = Regions(text, notation)
    start = _skip_blanks(text, 0)
    while start < len(text) and len(found) < most:
        end = _cut(text, start, length, least, regions)
        if end is None:
            end = _behind(text, start + length, regions)
        else:
            found.append((start, text[start:end].rstrip()))
        start = _skip_blanks(text, end)
    return found


def _cut(text: str, start: int, length: int, least: int, regions: Regions) -> int | None:
    """The end of the piece that begins at `start`, before blanks behind it; None where there is none."""
    if len(text) - start <= length:
        return len(text) if _long_enough(text, start, len(text), least) else None
    for place in _places(text[start : start + length + 1], length):
        end = start + place
        if _long_enough(text, start, end, least) and regions.around(end) is None:
            return end
    return None


def _behind(text: str, place: int, regions: Regions) -> int:
    """The first blank from here on that stands in no region, or the end."""
    while blank := BLANK.search(text, place):
        region = regions.around(blank.start())
        if region is None:
            return blank.start()
        place = region[1]
    return len(text)


def _long_enough(text: str, start: int, end: int, least: int) -> bool:
    return end - start >= least and len(text[start:end].rstrip()) >= max(least, 1)


def _places(window: str, length: int) -> Iterator[int]:
    """Offsets at which to cut, best first; the next is sought only when it is asked for."""
    ends = [end.end() for end in SENTENCE_END.finditer(window) if end.end() <= length]
    yield from reversed([end for end in ends if end >= length * LEAST_SHARE])
    yield from reversed([blank.start() for blank in BLANK.finditer(window)])
    yield from reversed(ends)


def _skip_blanks(text: str, start: int) -> int:
    found = NOT_BLANK.search(text, start)
    return found.start() if found else len(text)
