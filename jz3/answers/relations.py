"""What an equation or inequality means: its interval, the difference of its sides, the names it may
contain.
"""

import re

from jz3.answers.exact import UndefinedError
from jz3.answers.expressions import parse
from jz3.answers.forms import Relation, Sequence
from jz3.answers.notation import closes_at_end
from jz3.answers.numeric import CONSTANTS, FLOATS, numeric
from jz3.answers.tokens import UnreadableError
from jz3.answers.tree import MINUS_ONE, Node, Product, Sum, symbols

MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!=", "in": "in"}
NAME = re.compile(r"\\?[A-Za-z]+(?:_\{?\s?\\?\w+\s?\}?)?'?(?:\([A-Za-z](?:,\s*[A-Za-z])*\))?")

_ACCENTED = re.compile(
    r"\\(?:vec|overline|overleftrightarrow|wideparen|hat|tilde)\{[^{}]*\}(?:_\{?\w+\}?)?"
    r"|\\angle [A-Z'_\d]{1,8}"
)
NAMES = re.compile(rf"{NAME.pattern}|\((?:{NAME.pattern})(?:,(?:{NAME.pattern}))+\)")


_ABSOLUTE = re.compile(rf"\|\s*({NAME.pattern})\s*([-+]\s*[\d./\\{{}}a-z]+)?\s*\|")
"""Also `|x-3|`, the distance from 3."""
_NOTHING_ADDED = re.compile(r"0\s*\+\s*(?!\d)(.+)|0\s*\+\s*(\d.*[^\d.].*)", re.DOTALL)
_ONCE = re.compile(r"\\frac\s*\{\s*(\d{1,9})\s*\((.+)\)\s*\}\s*\{\s*\1\s*\}", re.DOTALL)


def bare(text: str) -> str:
    r"""The X of `0 + X` or `\frac{2(X)}{2}`, whatever it is: a word, a numeral, an inequality."""
    added = _NOTHING_ADDED.fullmatch(text)
    if added is not None:
        return added[1] or added[2]
    once = _ONCE.fullmatch(text)
    return once[2] if once is not None and closes_at_end(f"({once[2]})") else text


def is_name(text: str) -> bool:
    r"""Whether a text is a single name: `x`, `f(x)`, `\vec{AB}`, `\bar{x}`."""
    return (NAME.fullmatch(text) or _ACCENTED.fullmatch(text)) is not None


def unknowns(text: str) -> frozenset[str] | None:
    r"""The names in an expression but for `\pi`, e and i; None if it cannot be read."""
    try:
        return symbols(parse(text)) - CONSTANTS
    except UnreadableError:
        return None


def is_number(text: str) -> bool:
    r"""Whether a text is a number, which may contain `\pi`, e and i."""
    return unknowns(text) == frozenset()


def number_of(text: str) -> float | None:
    """The real number that a text gives, in double precision, otherwise None."""
    try:
        node = parse(text)
        if symbols(node) - CONSTANTS:
            return None
        value = numeric(node, {}, FLOATS)
    except (UnreadableError, UndefinedError):
        return None
    return float(value.real) if abs(value.imag) < 1e-12 * (1 + abs(value)) else None


def lies_below(low: str, high: str) -> bool:
    """Whether both are numbers and the first is smaller."""
    first, second = number_of(low), number_of(high)
    return first is not None and second is not None and first < second


def said_twice(parts: list[tuple[str, str]]) -> bool:
    r"""Whether parts joined by `or` give one number: `\frac12 or 0.5`, `\frac13 or 0.333`."""
    if len(parts) < 2 or any(mark not in ("or", "或") for mark, _ in parts[1:]):
        return False
    first = number_of(parts[0][1])
    for _, part in parts[1:]:
        bare = _ROUGHLY.sub("", part).strip()
        share = bare.removesuffix("%").rstrip() if bare.endswith("%") else ""
        other = number_of(share or bare)
        if first is None or other is None:
            return False
        same = abs(first - (other / 100 if share else other)) <= 1e-9 * abs(first)
        if not same and ("." not in bare or share or not rounds_to(parts[0][1], bare)):
            return False
    return True


_ROUGHLY = re.compile(
    r"\A(?:\\text\{)?(?:or )?(?:approximately|about|roughly|approx\.?)\s*\}?\s*|\A\\approx "
)


def rounds_to(exact: str, written: str) -> bool:
    """Whether a written decimal is a number rounded to the places shown."""
    decimal = _DECIMAL.match(written.strip())
    value = number_of(exact)
    if decimal is None or value is None:
        return False
    half = 0.5 * 10.0 ** -len(decimal[2] or "")
    return abs(float(decimal[1].replace(" ", "")) - value) <= half * (1 + 1e-9)


_DECIMAL = re.compile(r"(-?\s?\d{1,300}(?:\.(\d{1,300}))?)(?![\d^*])")
_SEGMENTS = re.compile(
    r"(?:\\(?:frac|cdot|overline|text|angle|triangle|sqrt)|[A-Z](?:'|_\{?[^\W_]*+\}?+)*+|[{}():/*\s^2+-])+"
)
_LABEL = re.compile(
    r"(?:\\text\{[^{}]*\}\s*)?(?:"
    r"\\?\|\s*\\?[A-Za-z'_{}\s]{1,20}\\?\|"  # |AB|, |z|
    r"|\\?\|[^|=<>]*\\vec(?![A-Za-z])[^|=<>]*\\?\|"  # the length of a sum of vectors
    r"|\[[A-Z]{3,6}\]"  # [ABC], an area
    r"|\\?[A-Za-z]+(?:_\{?\w+\}?)?'{0,3}(?:\^\s*\{?\s*\(?[-\w+]+\)?\s*\}?)?\s*[(\[].*[)\]]"  # f(2), P(X=2)
    r"|m?\s*\\(?:angle|triangle|overline|overleftrightarrow|wideparen|vec|hat|tilde|mathbf|mathcal|Pr|det"
    r"|deg|dim)(?![A-Za-z]).*"
    r"|\\text\{[^{}]*\}(?:\s*_\s*\{?\w+\}?)?(?:\s*\([^()]*\))?"
    r"|[A-Za-z][A-Za-z ]{2,60}"  # total cost
    r"|(?:\\sin|\\cos|\\tan|\\cot|\\sec|\\csc|\\log|\\ln|\\lim|\\int|\\sum|\\prod|\\max|\\min|\\gcd"
    r"|\\lcm)(?![A-Za-z]).*"
    r"|[a-w](?:_\{?\w+\}?)?(?:\s*[+-]\s*[a-w](?:_\{?\w+\}?)?){1,5}"  # m+n, what contests ask for
    r"|\\frac\s*\{\s*[a-w]\s*\}\s*\{\s*[a-w]\s*\}"  # a/b
    r"|\\frac\s*\{\s*\\?d\s*\^?\d?\s*[a-z]?\s*\}\s*\{\s*\\?d\s*[a-z]\s*\^?\d?\s*\}"  # dy/dx
    r"|[a-z]''?|d[a-z]/d[a-z]"
    r")",
    re.DOTALL,
)


def is_label(text: str) -> bool:
    """Whether a text names a result without saying anything itself: `|AB|`, `f(2)`, `m+n`, `V_1:V_2`.

    `x^2` and `2x` do not, nor does `x+y`, with the usual names of coordinates: `x+y = 1` is a line.
    """
    text = text.strip()
    if len(text) > MAX_LABEL:
        return False
    if NAMES.fullmatch(text.replace(" ", "")) or _LABEL.fullmatch(text):
        return True
    if ":" in text and all(NAMES.fullmatch(part.strip()) for part in text.split(":")):
        return True
    return _SEGMENTS.fullmatch(text) is not None and _TWO_CAPITALS.search(text) is not None


MAX_LABEL = 120  # chosen: characters; a longer left side is a statement
_TWO_CAPITALS = re.compile(r"[A-Z]{2}")


def interval_of(relation: Relation) -> tuple[str, Sequence] | None:
    """The variable and the interval of an inequality in one variable."""
    parts, operators = relation.parts, relation.operators
    if operators[0] in (">", ">="):
        parts, operators = parts[::-1], tuple(MIRROR[operator] for operator in operators[::-1])
    if any(operator not in ("<", "<=") for operator in operators):
        return None
    if len(parts) == 3 and NAME.fullmatch(parts[1]):
        opening = "(" if operators[0] == "<" else "["
        closing = ")" if operators[1] == "<" else "]"
        return parts[1], Sequence(opening, closing, (parts[0], parts[2]))
    if len(parts) != 2:
        return None
    size = _ABSOLUTE.fullmatch(parts[0])
    if size is not None:
        ends = "()" if operators[0] == "<" else "[]"
        around = f"-({size[2]})" if size[2] else ""
        bounds = f"-({parts[1]}){around}", f"({parts[1]}){around}"
        return size[1], Sequence(ends[0], ends[1], bounds)
    if NAME.fullmatch(parts[0]):
        closing = ")" if operators[0] == "<" else "]"
        return parts[0], Sequence("(", closing, ("-\\infty", parts[1]))
    if NAME.fullmatch(parts[1]):
        opening = "(" if operators[0] == "<" else "["
        return parts[1], Sequence(opening, ")", (parts[0], "\\infty"))
    return None


def difference_of(relation: Relation) -> Node | None:
    try:
        left, right = parse(relation.parts[0]), parse(relation.parts[1])
    except UnreadableError:
        return None
    return Sum((left, Product((MINUS_ONE, right))))
