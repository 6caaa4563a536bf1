r"""Sets with a name: `no solution`, `all real numbers except 1`, `\mathbb{R} \setminus \{0\}`."""

import re
from itertools import pairwise

from jz3.answers.forms import Answer, Collection, Sequence, Union, Words

REALS = Sequence("(", ")", ("-\\infty", "\\infty"))
EMPTY = Collection((), braces=True)
_NO_SOLUTION = re.compile(
    r"(?:there (?:is|are|exists?) "
    r"|(?:(?:it|(?:the|this) (?:equation|inequality|system)(?: of equations)?) )?has )?"
    r"(?:no (?:real |integer |rational |such |possible |valid )*"
    r"(?:solutions?|roots?|values?(?: of [a-z])?|numbers?|[a-z])(?: exists?)?|the empty set|empty set)"
)
_INFINITELY_MANY = re.compile(
    r"(?:there (?:is|are) |it has |has )?(?:infinitely many|an infinite number of|infinite)"
    r"(?: (?:real |integer )?(?:solutions?|values?|numbers?))?"
)
_ALL_REALS = re.compile(
    r"(?:[a-z] (?:is|can be|=) )?(?:the set of )?(?:all|any|every)(?: the)? ?"
    r"(?:real numbers?|reals?|real values?(?: of)?|real)(?: ?[a-z])?"
)
_HALF_LINE = re.compile(
    r"(?:the set of )?(?:all |any )?(?:(positive|negative)|(non)-?(positive|negative))"
    r" (?:real numbers?|reals?)"
)
_SIGNED_REALS = re.compile(
    r"\\mathbb\s*\{?\s*R\s*\}?\s*(?:[_^]\s*\{?\s*(>=|<=|>|<)\s*0\s*\}?|[_^]\s*\{?\s*([+-])\s*\}?)"
)
_EXCEPT = re.compile(r"(.*?),? ?\b(?:except|other than|excluding|but not|but)\b(?: for| when| where)? ?(.*)")
_MARKUP = re.compile(r"\\text\{|[{}]")
_REAL_SIGNS = re.compile(r"\\mathbb\s*\{?\s*R\s*\}?|\\text\{R\}")
_WITHOUT = re.compile(r"\\mathbb\s*\{?\s*R\s*\}?\s*(?:\\setminus|-|/)\s*\\\{([^{}]+)\\\}")
_SEPARATOR = re.compile(r",|\band\b|\bor\b")
_NAMED = re.compile(r"[a-zA-Z]\s*=\s*")


def named_set(text: str) -> Answer | None:
    """The set that a cleaned text names; None if it names none."""
    if text in ("\\emptyset", "\\{\\}", "\\{ \\}"):
        return EMPTY
    if _REAL_SIGNS.fullmatch(text):
        return REALS
    if text.startswith("\\mathbb"):
        signed = _SIGNED_REALS.fullmatch(text)
        if signed is not None:
            return _half_line(positive=(signed[1] or signed[2])[0] in ">+", closed="=" in (signed[1] or ""))
        without = _WITHOUT.fullmatch(text)
        return None if without is None else _reals_without(without[1])
    if "o" not in text and "a" not in text and "i" not in text:
        return None
    words = " ".join(_MARKUP.sub(" ", text).lower().strip(" .").split())
    if _NO_SOLUTION.fullmatch(words):
        return EMPTY
    if _INFINITELY_MANY.fullmatch(words):
        return Words("infinitely many")
    if _ALL_REALS.fullmatch(words):
        return REALS
    half = _HALF_LINE.fullmatch(words)
    if half is not None:
        return _half_line(
            positive=(half[1] or half[3]) == ("negative" if half[2] else "positive"), closed=bool(half[2])
        )
    exception = _EXCEPT.fullmatch(words)
    if exception is not None and _ALL_REALS.fullmatch(exception[1].strip()):
        return _reals_without(exception[2])
    return None


def _half_line(*, positive: bool, closed: bool) -> Sequence:
    if positive:
        return Sequence("[" if closed else "(", ")", ("0", "\\infty"))
    return Sequence("(", "]" if closed else ")", ("-\\infty", "0"))


def _reals_without(listed: str) -> Union | None:
    points = [_NAMED.sub("", part).strip() for part in _SEPARATOR.split(listed)]
    points = [point for point in points if point]
    values = [_value(point) for point in points]
    numbers = points if None in values else [point for _, point in sorted(zip(values, points, strict=True))]
    if not points or (len(points) > 1 and numbers is points):
        return None
    ends = ["-\\infty", *numbers, "\\infty"]
    return Union(tuple(f"({low},{high})" for low, high in pairwise(ends)))


def _value(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
