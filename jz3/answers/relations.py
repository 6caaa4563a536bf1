"""What an equation or inequality says: its interval, the difference of its sides, the names it may hold."""

import re

from jz3.answers.expressions import parse
from jz3.answers.forms import Relation, Sequence
from jz3.answers.notation import closes_at_end
from jz3.answers.tokens import UnreadableError
from jz3.answers.tree import MINUS_ONE, Node, Product, Sum, symbols

MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!=", "in": "in"}
NAME = re.compile(r"\\?[A-Za-z]+(?:_\{?\w+\}?)?'?(?:\([A-Za-z](?:,\s*[A-Za-z])*\))?")

NAMES = re.compile(rf"{NAME.pattern}|\((?:{NAME.pattern})(?:,(?:{NAME.pattern}))+\)")


_ABSOLUTE = re.compile(rf"\|\s*({NAME.pattern})\s*\|")
_NOTHING_ADDED = re.compile(r"0\s*\+\s*(?!\d)(.+)|0\s*\+\s*(\d.*[^\d.].*)", re.DOTALL)
_ONCE = re.compile(r"\\frac\s*\{\s*(\d{1,9})\s*\((.+)\)\s*\}\s*\{\s*\1\s*\}", re.DOTALL)


def bare(text: str) -> str:
    r"""What stays of `0 + X` and `\frac{2(X)}{2}`, whatever X is: a word, a numeral, an inequality."""
    added = _NOTHING_ADDED.fullmatch(text)
    if added is not None:
        return added[1] or added[2]
    once = _ONCE.fullmatch(text)
    return once[2] if once is not None and closes_at_end(f"({once[2]})") else text


def is_number(text: str) -> bool:
    try:
        return not symbols(parse(text))
    except UnreadableError:
        return False


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
        return size[1], Sequence(ends[0], ends[1], (f"-({parts[1]})", parts[1]))
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
