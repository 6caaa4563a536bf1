r"""Where a text must not be cut: formulas, displays, and (in LaTeX) comments.

Formulas are `$...$` and `\(...\)` within a paragraph, `$$...$$`, `\[...\]`, and the environments of amsmath,
amscd, tikz-cd and similar packages; they may nest and span line breaks. `\\[4pt]` is a row separator, `\$` a
dollar sign, `$5 and $7` are prices. Code (fences, `verbatim`, `\verb|...|`) contains none of them. An opening
that never closes is an ordinary character. One pass, as far as needed: linear in the length, whatever the
text contains.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Literal

Notation = Literal["markdown", "latex"]
"""LaTeX has comments, from `%` to the end of the line; Markdown and plain texts have fences of code."""

Span = tuple[int, int]

# Of LaTeX, amsmath, mathtools, cases; breqn, IEEEtran, mathpartir, bussproofs; packages of diagrams.
# fmt: off
DISPLAYS = frozenset((
    "equation", "eqnarray", "align", "alignat", "xalignat", "xxalignat", "flalign", "gather", "multline",
    "displaymath", "math", "subequations", "split", "aligned", "alignedat", "gathered", "multlined",
    "array", "matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "psmallmatrix",
    "bsmallmatrix", "vsmallmatrix", "cases", "dcases", "rcases", "drcases", "numcases", "subnumcases",
    "empheq", "dmath", "dgroup", "dseries", "darray", "IEEEeqnarray", "mathpar", "prooftree", "CD",
    "tikzcd", "tikzpicture", "pgfpicture", "picture", "pspicture", "xy", "diagram", "tabular",
))
# fmt: on
"""Environments that stay whole, with and without a star."""
CODE = ("verbatim", "lstlisting", "minted", "comment")
"""Environments whose content is not LaTeX."""

_ENVIRONMENT = r"\\(?:begin|end)[ \t]*\{[A-Za-z]+\*?\}"
_COMMON = rf"{_ENVIRONMENT}|\\[\[\]()\\$%{{}}]|\$\$?|\n(?=[ \t\r]*\n)"
# Alternatives with different first characters let the search skip all others fast.
_OF_LATEX = rf"\\verb\*?([^\sA-Za-z*])[^\n]{{0,200}}?\1|%[^\n]*|{_COMMON}"
_OF_MARKDOWN = rf"{_COMMON}|\n {{0,3}}```|\n {{0,3}}~~~"
_WAYS: dict[Notation, str] = {"latex": _OF_LATEX, "markdown": _OF_MARKDOWN}
_TOKENS: dict[Notation, tuple[re.Pattern[str], re.Pattern[str]]] = {
    notation: (re.compile(tokens), re.compile(rf"{tokens}|\{{|\}}")) for notation, tokens in _WAYS.items()
}
"""Patterns for outside and for inside a formula, where braces count."""
_FENCE = re.compile(r" {0,3}(```|~~~)")
_FENCE_ENDS = {
    mark: re.compile(rf"^ {{0,3}}{re.escape(mark)}+[ \t\r]*$", re.MULTILINE) for mark in ("```", "~~~")
}
_BEFORE_LINES = re.compile(r"[ \t\r]*\n[ \t]*\S")
_ALONE = re.compile(r"[ \t\r]*(?:\n|\Z)")
MOST_BREAKS = 5
"""The most blank lines in a display between `$$` (chosen): with more, its opening is an ordinary sign."""
_NO_PRICE = re.compile(r"[\\^_=+<>{}*/|]")
"""Signs that occur between the dollars of a formula, but hardly between two prices."""


class Regions:
    """The regions of one text, requested from front to back."""

    def __init__(self, text: str, notation: Notation) -> None:
        self._text = text
        self._outside, self._within = (tokens.search for tokens in _TOKENS[notation])
        self._place = 0
        self._ended = False
        self._open: dict[str, list[int]] = {}
        self._display: int | None = None
        """Position of an unclosed `$$` at the end of its line: it may span blank lines."""
        self._breaks = 0
        """Blank lines since that position."""
        self._dollars: list[tuple[int, str]] = []
        """Dollar signs, and braces after them, of the current paragraph."""
        self._absent: set[str] = set()
        self._new: list[Span] = []
        self._spans: list[Span] = []
        if notation == "markdown" and (fence := _FENCE.match(text)):
            self._fence(fence[1])

    def around(self, place: int) -> Span | None:
        """The region that a cut at this place would damage."""
        self._read_to(place)
        index = bisect_left(self._spans, (place, 0)) - 1
        if index >= 0 and self._spans[index][1] > place:
            return self._spans[index]
        return None

    def _read_to(self, limit: int) -> None:
        """Read until nothing is open that begins before the limit."""
        while not self._ended and (self._place <= limit or self._pending(limit)):
            token = (self._within if self._dollars else self._outside)(self._text, self._place)
            if token is None:
                self._ended = True
                self._pair()
                break
            self._place = token.end()
            self._take(token.start(), token[0])
        self._merge()

    def _pending(self, limit: int) -> bool:
        return (
            (bool(self._dollars) and self._dollars[0][0] < limit)
            or (self._display is not None and self._display < limit)
            or any(places[0] < limit for places in self._open.values() if places)
        )

    def _take(self, place: int, token: str) -> None:
        match token[0]:
            case "\\":
                if len(token) > 2:
                    self._environment(place, token)
                elif token[1] in "[]()":
                    self._bracket(place, token[1])
            case "$":
                self._dollar(place, token)
            case "{" | "}":
                self._dollars.append((place, token))
            case "\n" if len(token) > 1:
                self._fence(token.strip())
            case "\n":
                self._pair()
                self._breaks += 1
                if self._breaks > MOST_BREAKS:
                    self._display = None
                self._open.pop("(", None)
            case _:
                self._new.append((place, place + len(token)))

    def _bracket(self, place: int, mark: str) -> None:
        if mark in "[]":
            self._pair()
        if mark in "[(":
            self._open.setdefault(mark, []).append(place)
        else:
            self._close("[" if mark == "]" else "(", place + 2)

    def _environment(self, place: int, token: str) -> None:
        if token.startswith("\\verb"):
            self._new.append((place, place + len(token)))
            return
        name = token[token.index("{") + 1 : -1].rstrip("*")
        if name in CODE and token.startswith("\\begin"):
            end = self._find(f"\\end{{{name}")
            self._place = self._place if end is None else end
        elif name in DISPLAYS and token.startswith("\\begin"):
            self._open.setdefault(name, []).append(place)
        elif name in DISPLAYS:
            self._close(name, place + len(token))

    def _close(self, kind: str, end: int) -> None:
        if self._open.get(kind):
            self._new.append((self._open[kind].pop(), end))

    def _find(self, ending: str) -> int | None:
        """The next offset of the ending; if it was not found once, it is not searched for again."""
        if ending in self._absent:
            return None
        found = self._text.find(ending, self._place)
        if found < 0:
            self._absent.add(ending)
        return found if found >= 0 else None

    def _fence(self, mark: str) -> None:
        if mark in self._absent:
            return
        line = self._text.find("\n", self._place)
        end = _FENCE_ENDS[mark].search(self._text, line + 1) if line >= 0 else None
        if end is None:
            self._absent.add(mark)
        else:
            self._place = end.end()
            self._pair()

    def _dollar(self, place: int, token: str) -> None:
        if token == "$":
            self._dollars.append((place, token))
        elif self._display is not None:
            self._end_display(place + 2)
        elif not _BEFORE_LINES.match(self._text, place + 2) and not self._alone(place):
            self._dollars.append((place, token))
        elif sum(mark == "$$" for _, mark in self._dollars) % 2:
            self._dollars.append((place, token))
            self._pair()
        else:
            self._pair()
            self._display, self._breaks = place, 0

    def _end_display(self, end: int) -> None:
        self._pair()
        if self._display is not None:
            self._new.append((self._display, end))
        self._display = None

    def _alone(self, place: int) -> bool:
        """Whether the two dollars are alone on their line."""
        before = self._text.rfind("\n", max(0, place - 4), place) + 1
        blank = not self._text[max(before, place - 4) : place].strip()
        starts = before > 0 or place <= 4
        return blank and starts and _ALONE.match(self._text, place + 2) is not None

    def _pair(self) -> None:
        """Record the formulas between the dollars of a finished paragraph."""
        if self._dollars:
            self._new.extend(_paired(self._text, self._dollars))
            self._dollars = []

    def _merge(self) -> None:
        for begin, end in sorted(self._new):
            while self._spans and self._spans[-1][1] > begin:
                earlier = self._spans.pop()
                begin, end = min(earlier[0], begin), max(earlier[1], end)
            self._spans.append((begin, end))
        self._new.clear()


def code_spans(text: str) -> list[Span]:
    """LaTeX environments whose content is not LaTeX, in order."""
    spans: list[Span] = []
    for name in CODE:
        begin = text.find(f"\\begin{{{name}")
        while begin >= 0:
            end = text.find(f"\\end{{{name}", begin)
            if end < 0:
                break
            spans.append((begin, end))
            begin = text.find(f"\\begin{{{name}", end)
    return sorted(spans)


def _paired(text: str, tokens: Sequence[tuple[int, str]]) -> list[Span]:
    r"""Formulas between dollars; those in braces within a formula (`\text{if $x$}`) belong to it. If that
    leaves one open, braces are ignored.
    """
    spans, opened = _matched(text, tokens)
    if opened:
        spans, _ = _matched(text, [token for token in tokens if token[1] == "$"])
    return spans


def _matched(text: str, tokens: Sequence[tuple[int, str]]) -> tuple[list[Span], bool]:
    spans: list[Span] = []
    opened: tuple[int, str] | None = None
    depth = 0
    for index, (place, mark) in enumerate(tokens):
        if mark in "{}":
            depth = max(0, depth + (1 if mark == "{" else -1)) if opened else 0
        elif opened is None:
            if mark == "$$" or not _is_price(text, place, tokens, index):
                opened, depth = (place, mark), 0
        elif depth == 0 and mark == opened[1]:
            spans.append((opened[0], place + len(mark)))
            opened = None
        elif depth == 0 and mark == "$$":  # `$a$$b$`
            spans.append((opened[0], place + 1))
            opened = (place + 1, "$")
    return spans, opened is not None


def _is_price(text: str, place: int, tokens: Sequence[tuple[int, str]], index: int) -> bool:
    """Whether a dollar before a number is a price: the next dollar begins something else."""
    if not text[place + 1 : place + 2].isdigit():
        return False
    if index + 1 == len(tokens) or tokens[index + 1][1] != "$":
        return False
    end = tokens[index + 1][0]
    return text[end - 1] in " \n\t(" and _NO_PRICE.search(text, place + 1, end) is None
