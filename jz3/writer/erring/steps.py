r"""A mistake in a step of a solution, carried on to its end.

A solution is read as text: chains of equal terms (`19 * 18 / 2 = 342 / 2 = 171`), and numbers between them.
One step is made wrong: its result by a slip, or its operation by another one. From there on the wrong value
replaces the right one, and every calculation with it is worked out again, as by someone who does not notice.
So a mistake may also disappear: if its value is not used again, if another sentence states a value without a
calculation, or if two operations give the same.
"""

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from jz3.text.problem_text import last_boxed
from jz3.writer.draws import Draws
from jz3.writer.family import latex

_NUMBER = r"-?(?:\\frac\{\d+\}\{\d+\}|\d+(?:/\d+)?)"
_ALONE = rf"(?<![\w.\\^{{/]){_NUMBER}(?![\w/]|\.\d)"
_TOKEN = re.compile(rf"(?m)(?<=\\boxed\{{){_NUMBER}(?=\}})|(?!^\d+\. ){_ALONE}")
"""A number that is neither part of a word nor the number of a line."""
_OPERAND = rf"\(*{_NUMBER}\)*"
_TERM = rf"{_OPERAND}(?:(?: [*+/-] |\^){_OPERAND})*"
_CHAIN = re.compile(rf"(?<![\w.\\^{{/(])(?<![*+/-] ){_TERM}(?: = {_TERM})+(?![\w/^]|\.\d| [*+/-] )")
_OPERATION = re.compile(r"(?<= )[*+/-](?= )")
LARGEST_EXPONENT = 64
"""Larger powers are not worked out (chosen: no family writes one)."""
LARGEST_SLIP = 9
"""The largest error of a slip (chosen: one digit)."""
OTHERS = {"+": "-*", "-": "+", "*": "+", "/": "*"}
"""For each operation, what it is mistaken for."""


@dataclass(frozen=True)
class _Chain:
    """Terms with one value."""

    start: int
    end: int
    terms: tuple[str, ...]
    value: Fraction


def slipped(text: str, draws: Draws) -> str | None:
    """The solution with one result miscounted and carried on; if no step can be read, with the number in its
    box miscounted. None if there is neither.
    """
    chains = [chain for chain in _chains(text) if re.fullmatch(_NUMBER, chain.terms[-1])]
    if not chains:
        return _other_box(text, draws)
    chain = chains[draws.whole("step", 0, len(chains) - 1)]
    wrong = _miscounted(chain.value, draws)
    shown = " = ".join([*chain.terms[:-1], latex(wrong)])
    return text[: chain.start] + shown + _carried(text, chain.end, {chain.value: wrong})


def otherwise_computed(text: str, draws: Draws) -> str | None:
    """The solution with one operation mistaken for another and carried on; None if no operation can be
    read.
    """
    places = [
        (chain, found.start(), other)
        for chain in _chains(text)
        for found in _OPERATION.finditer(chain.terms[0])
        for other in OTHERS[found[0]]
    ]
    if not places:
        return None
    chain, place, other = places[draws.whole("operation", 0, len(places) - 1)]
    term = f"{chain.terms[0][:place]}{other}{chain.terms[0][place + 1 :]}"
    wrong = _value(term)
    if wrong is None:
        return None
    shown = _shown((term, *chain.terms[1:]), wrong)
    changed = {} if wrong == chain.value else {chain.value: wrong}
    return text[: chain.start] + shown + _carried(text, chain.end, changed)


def _chains(text: str) -> list[_Chain]:
    """The chains whose terms are equal, with at least one operation in the first term."""
    found: list[_Chain] = []
    for match in _CHAIN.finditer(text):
        terms = tuple(match[0].split(" = "))
        values = {_value(term) for term in terms}
        value = values.pop()
        if not values and value is not None and not re.fullmatch(_NUMBER, terms[0]):
            found.append(_Chain(*match.span(), terms, value))
    return found


def _carried(text: str, start: int, changed: Mapping[Fraction, Fraction]) -> str:
    """The rest of a solution from a position on, with values replaced and calculations done again."""
    known = dict(changed)
    parts: list[str] = []
    for chain in _chains(text):
        if chain.start < start:
            continue
        parts.append(_replaced(text[start : chain.start], known))
        term = _replaced(chain.terms[0], known)
        value = _value(term)
        if term == chain.terms[0] or value is None:
            parts.append(text[chain.start : chain.end])
        else:
            parts.append(_shown((term, *(_replaced(one, known) for one in chain.terms[1:])), value))
            if value != chain.value:
                known[chain.value] = value
        start = chain.end
    return "".join([*parts, _replaced(text[start:], known)])


def _shown(terms: Sequence[str], value: Fraction) -> str:
    """A chain whose first term has this value, without further terms that have another."""
    between = [term for term in terms[1:-1] if _value(term) == value]
    return " = ".join([terms[0], *between, latex(value)])


def _replaced(text: str, known: Mapping[Fraction, Fraction]) -> str:
    def other(found: re.Match[str]) -> str:
        value = _number(found[0])
        return latex(known[value]) if value in known else found[0]

    return _TOKEN.sub(other, text) if known else text


def _other_box(text: str, draws: Draws) -> str | None:
    boxed = last_boxed(text)
    if boxed is None or not re.fullmatch(_NUMBER, boxed):
        return None
    before, _, after = text.rpartition(f"\\boxed{{{boxed}}}")
    return f"{before}\\boxed{{{latex(_miscounted(_number(boxed), draws))}}}{after}"


def _miscounted(value: Fraction, draws: Draws) -> Fraction:
    """Another number near it, of the same sign."""
    off = draws.whole("off", 1, LARGEST_SLIP)
    less = value - off
    return less if draws.whole("less", 0, 1) and (less > 0 or value < 0) else value + off


def _number(text: str) -> Fraction:
    found = re.fullmatch(r"(-?)\\frac\{(\d+)\}\{(\d+)\}", text)
    above, _, below = (f"{found[1]}{found[2]}/{found[3]}" if found else text).partition("/")
    return Fraction(int(above), int(below or "1") or 1)


def _value(term: str) -> Fraction | None:
    """The value of a term without letters; None if it has none."""
    plain = re.sub(r"\\frac\{(\d+)\}\{(\d+)\}", r"(\1/\2)", term).replace("^", "**")
    try:
        return _computed(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, ValueError):
        return None


_BY_SIGN: Mapping[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
    ast.Div: lambda one, other: one / other,
}


def _computed(node: ast.expr) -> Fraction:
    """Compute a node; raises ValueError if it is no arithmetic."""
    match node:
        case ast.Constant(value=int(value)):
            return Fraction(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_computed(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            exponent = _computed(right)
            if exponent.denominator != 1 or not 0 <= exponent <= LARGEST_EXPONENT:
                raise ValueError("no small power")
            return _computed(left) ** int(exponent)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _BY_SIGN:
            return _BY_SIGN[type(sign)](_computed(left), _computed(right))
        case _:
            raise ValueError("no arithmetic")
