r"""Splits a question into sentences.

Promises: the sentences joined are the text, character for character; none is blank unless the text is; no
number (`1,200`, `3.5`) and no title (`Mr. Lee`) is cut.

A sentence ends at a full stop, question mark or exclamation mark, including closing marks, before a blank and
a word that begins a sentence: one with a capital, a digit, a sign of currency or mathematics, a bracket or a
quotation mark, or a variable (a single letter), because a number that began a sentence may be masked.
"""

import re

_TITLES = ("Mr", "Mrs", "Ms", "Dr", "Prof", "St", "Mt", "vs", "Fig", "Eq", "cf", "approx", "e.g", "i.e")
_END = re.compile(r"[.?!]+[\"'”’)\]]*\$?(?=\s)")
_BEGINNING = re.compile(r"\s+(?:[A-Z0-9$\\(\[\"'“‘€£¥]|[a-z](?![A-Za-z]))")
_TITLE = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, _TITLES))})\.$")
_INITIAL = re.compile(r"(?:^|[A-Z][a-z]+ |\. )[A-Z]\.$")
"""An initial in a name: `J. Lee`, `Mary J. Lee`; a point or line ending a sentence follows a small word."""
_NUMBERED = re.compile(r"(?<![\w.])No\.$")


def sentences(text: str) -> list[str]:
    """The sentences of a text, each with the blanks after it."""
    found: list[str] = []
    start = 0
    for end in _END.finditer(text):
        follows = _BEGINNING.match(text, end.end())
        if follows is None or _is_within(text[start : end.end()], text[end.end() :]):
            continue
        place = re.compile(r"\s+").match(text, end.end())
        assert place is not None, "an end is before a blank"
        found.append(text[start : place.end()])
        start = place.end()
    return [*found, text[start:]] if text[start:] or not found else found


def split_last(text: str) -> tuple[str, str]:
    """The text before the last sentence, with its blanks, and the last sentence."""
    *before, last = sentences(text)
    return "".join(before), last


def _is_within(so_far: str, rest: str) -> bool:
    """Whether a stop belongs to a title, an initial or `No. 5`."""
    if _NUMBERED.search(so_far):
        return rest.lstrip()[:1].isdigit()
    return bool(_TITLE.search(so_far) or _INITIAL.search(so_far))
