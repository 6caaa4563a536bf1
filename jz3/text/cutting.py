r"""Cuts texts into pieces that end where a reader would stop: after a sentence, otherwise between words.

Never inside a word, a formula, a display or a comment (`jz3.text.regions` defines these). Takes time linear
in the length of what is cut, whatever it contains.
"""

import re
from collections.abc import Iterator

from jz3.text.regions import Notation, Regions

# Written out, because alternatives with different first characters let the search skip all others fast.
SENTENCE_END = re.compile(
    r"\.[\"')\]]*(?=\s)|\![\"')\]]*(?=\s)|\?[\"')\]]*(?=\s)|\n(?=[^\S\n]*\n)|[。！？][」』”’）]*"
)
BLANK = re.compile(r"\s")
GAP = re.compile(r"\s|(?<=[。！？])")
"""A blank, or the end of a sentence in a script that sets none behind it."""
NOT_BLANK = re.compile(r"\S")

LEAST_SHARE = 0.5
"""A sentence end in the first half of a piece is ignored in favour of a later blank, so that pieces have
similar sizes (chosen).
"""


def pieces(
    text: str, length: int, most: int, least: int = 1, notation: Notation = "markdown"
) -> list[tuple[int, str]]:
    """Cut at most `most` pieces of `least` to `length` characters from the beginning of `text`, each with its
    offset.

    If no such piece begins at a place, everything up to the end of the word, formula or comment there is
    skipped; a rest shorter than `least` is left.
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
    """The end of the piece that begins at `start`, without blanks after it; None if there is none."""
    if len(text) - start <= length:
        return len(text) if _long_enough(text, start, len(text), least) else None
    for place in _places(text[start : start + length + 1], length):
        end = start + place
        if _long_enough(text, start, end, least) and regions.around(end) is None:
            return end
    return None


def _behind(text: str, place: int, regions: Regions) -> int:
    """The first gap from here on that is in no region, or the end."""
    while gap := GAP.search(text, place):
        region = regions.around(gap.start())
        if region is None:
            return gap.start()
        place = region[1]
    return len(text)


def _long_enough(text: str, start: int, end: int, least: int) -> bool:
    return end - start >= least and len(text[start:end].rstrip()) >= max(least, 1)


def _places(window: str, length: int) -> Iterator[int]:
    """Offsets at which to cut, best first; each is searched for only when needed."""
    ends = [end.end() for end in SENTENCE_END.finditer(window) if end.end() <= length]
    yield from reversed([end for end in ends if end >= length * LEAST_SHARE])
    yield from reversed([blank.start() for blank in BLANK.finditer(window)])
    yield from reversed(ends)


def _skip_blanks(text: str, start: int) -> int:
    found = NOT_BLANK.search(text, start)
    return found.start() if found else len(text)
