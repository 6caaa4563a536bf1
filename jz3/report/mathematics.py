r"""Text with LaTeX as markup with MathML, which browsers draw by themselves.

Formulas are `$...$`, `$$...$$`, `\(...\)`, `\[...\]`, and outside of these `\boxed{...}`, `\frac{...}{...}`
and the like. A formula that cannot be converted is shown as it was written. A converted one is rebuilt with
permitted attributes only: otherwise `\href` and `\style` would let a model decide what the page does. Costs
some 0.1 ms per formula.
"""

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from xml.etree.ElementTree import Element, tostring

import latex2mathml.exceptions as refusal
from latex2mathml.converter import convert_to_element
from markupsafe import Markup

from jz3.report.rendering import escaped, joined, printable

LONGEST = 2000  # characters; chosen: a longer formula is a runaway text, and time grows with its square
ATTRIBUTES = frozenset(
    {"columnalign", "columnlines", "depth", "display", "displaystyle", "fence", "form", "height"}
    | {"linethickness", "lspace", "mathcolor", "mathvariant", "maxsize", "minsize", "movablelimits"}
    | {"notation", "rowlines", "rspace", "scriptlevel", "separator", "stretchy", "voffset", "width"}
)
"""Attributes that the converter sets and MathML knows; not href, class, style."""

_OPENING = re.compile(r"\$\$|\\\[|\\\(|\$|\\(?:boxed|fbox|[dt]?frac|sqrt|binom)(?=[{\[])")
_CLOSING = {"$$": "$$", r"\[": r"\]", r"\(": r"\)"}
# As in pandoc: no blank inside the dollars and no digit after, so that `$5 and $7` are prices.
_DOLLARS = re.compile(r"(?<!\\)\$((?! )[^$\n]+?(?<![ \\]))\$(?!\d)")
# Environments of aligned rows that the converter does not know; they are equivalent inside a formula.
_ALIGNED = re.compile(r"(\\(?:begin|end))\{(?:aligned|eqnarray\*?)\}")
_MACRO = re.compile(r"\\(?:newcommand|renewcommand|providecommand|def|let|gdef|edef)\b")

UNREADABLE = (
    refusal.DenominatorNotFoundError,
    refusal.DoubleSubscriptsError,
    refusal.DoubleSuperscriptsError,
    refusal.ExtraLeftOrMissingRightError,
    refusal.InvalidAlignmentError,
    refusal.InvalidStyleForGenfracError,
    refusal.InvalidWidthError,
    refusal.LimitsMustFollowMathOperatorError,
    refusal.MissingEndError,
    refusal.MissingSuperScriptOrSubscriptError,
    refusal.NoAvailableTokensError,
    refusal.NumeratorNotFoundError,
    # Further errors that it raises for damaged LaTeX (40,000 random formulas).
    AttributeError,
    IndexError,
    KeyError,
    RuntimeError,
    StopIteration,
    TypeError,
    ValueError,
)


def with_mathematics(text: str) -> Markup:
    """Text as markup: formulas drawn, the rest escaped."""
    return joined(piece if isinstance(piece, Markup) else escaped(piece) for piece in pieces(text))


def pieces(text: str) -> Iterator[str]:
    """Pieces of a text: formulas as markup (unreadable ones as written), the rest plain."""
    place = 0
    for start, end, latex, display in _formulas(text):
        yield text[place:start]
        yield mathml(latex, display) or escaped(text[start:end])
        place = end
    yield text[place:]


def _formulas(text: str) -> Iterator[tuple[int, int, str, str]]:
    """Start, end, LaTeX and display of each formula. Linear: a missing closing mark is searched for once."""
    place, unclosed = 0, set[str]()
    while found := _OPENING.search(text, place):
        start, opening = found.start(), found[0]
        place = start + 1
        if opening in unclosed:
            continue
        if opening == "$":
            if dollars := _DOLLARS.match(text, start):
                place = dollars.end()
                yield start, place, dollars[1], "inline"
        elif opening in _CLOSING:
            end = text.find(_CLOSING[opening], start + 3)
            if end < 0:
                unclosed.add(opening)
                continue
            place = end + 2
            yield start, place, text[start + 2 : end], "inline" if opening == r"\(" else "block"
        else:
            place = _end_of_arguments(text, found.end())
            yield start, place, text[start:place], "inline"


@lru_cache(maxsize=1 << 14)  # chosen: some 30 MB; short formulas recur
def mathml(latex: str, display: str) -> Markup | None:
    """A formula as MathML; None if it cannot be read. Macros are not read: they may grow without end."""
    if len(latex) > LONGEST or not latex.strip() or _MACRO.search(latex):
        return None
    try:
        tree = _permitted(convert_to_element(_ALIGNED.sub(r"\1{align*}", latex), display=display))
    except UNREADABLE:
        return None
    return Markup(tostring(tree, encoding="unicode", method="html"))


def _permitted(node: Element) -> Element:
    """A copy with permitted attributes only and with printable text.

    The converter leaves entities in its texts (`&#x000D7;`): they are decoded here, because they are escaped
    again.
    """
    copy = Element(node.tag, {name: value for name, value in node.attrib.items() if name in ATTRIBUTES})
    copy.text = printable(html.unescape(node.text or ""))
    copy.tail = printable(html.unescape(node.tail or ""))
    copy.extend(_permitted(child) for child in node)
    return copy


def _end_of_arguments(text: str, start: int) -> int:
    """The offset after the `{...}` and `[...]` that follow a command; `start` if one of them is not
    closed.
    """
    place = start
    while place < len(text) and text[place] in "{[" and (end := _closing(text, place)):
        place = end
    return place


def _closing(text: str, start: int) -> int | None:
    opening, closing = text[start], {"{": "}", "[": "]"}[text[start]]
    depth = 0
    for place in range(start, min(len(text), start + LONGEST)):
        depth += (text[place] == opening) - (text[place] == closing)
        if depth == 0:
            return place + 1
    return None
