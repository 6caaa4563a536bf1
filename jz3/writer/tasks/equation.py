"""The equation of a question with an unknown field, solved step by step.

A family's program becomes one expression if it prints plain arithmetic of its fields with the unknown one
occurring once. Constants are computed, then one operation after the other is undone.
"""

import ast
import re
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from jz3.writer.family import Family, Values, latex, plain

_ASSIGNED = re.compile(r"(\w+) = \{\1\}")
_PRINTED = re.compile(r"print\((.+)\)")
_SIGNS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.FloorDiv: "/",
    ast.Div: "/",
}
_LOOSE = ("+", "-")


@dataclass(frozen=True)
class _Operation:
    sign: str
    left: "_Node"
    right: "_Node"


_Node = Fraction | str | _Operation
"""A number, the letter, or an operation."""


def equation_steps(
    family: Family, values: Values, field: str, letter: str, gold: str, value: int
) -> list[str]:
    """The steps that solve for the letter; empty if the program is not plain arithmetic, if the letter occurs
    in it more than once, or if the steps end in another value.
    """
    tree = _expression(family.program)
    told = _number(gold)
    if tree is None or told is None:
        return []
    node = _node(tree, values, field, letter)
    if node is None or _count(node) != 1:
        return []
    folded = _folded(node)
    steps = [f"The problem gives the equation {_shown(node)} = {plain(told)}."]
    if folded != node:
        steps.append(f"That is {_shown(folded)} = {plain(told)}.")
    found = _solved(folded, told, steps)
    return steps if found == value else []


@cache
def _expression(program: str) -> ast.expr | None:
    """The printed expression of a program, in the names of the fields."""
    *assigned, last = program.splitlines()
    printed = _PRINTED.fullmatch(last)
    if printed is None or not all(_ASSIGNED.fullmatch(line) for line in assigned):
        return None
    return ast.parse(printed[1].replace("{{", "{").replace("}}", "}"), mode="eval").body


def _node(tree: ast.expr, values: Values, field: str, letter: str) -> _Node | None:
    match tree:
        case ast.Name(id=name) if name == field:
            return letter
        case ast.Name(id=name):
            value = values.drawn.get(name)
            return Fraction(value) if isinstance(value, int) else None
        case ast.Constant(value=int(value)):
            return Fraction(value)
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _SIGNS:
            one, other = (_node(part, values, field, letter) for part in (left, right))
            if one is None or other is None:
                return None
            return _Operation(_SIGNS[type(operation)], one, other)
        case _:
            return None


def _count(node: _Node) -> int:
    """How often the letter occurs in an expression."""
    if isinstance(node, _Operation):
        return _count(node.left) + _count(node.right)
    return isinstance(node, str)


def _folded(node: _Node) -> _Node:
    """Compute every operation on numbers, except a division by zero."""
    if not isinstance(node, _Operation):
        return node
    left, right = _folded(node.left), _folded(node.right)
    if isinstance(left, Fraction) and isinstance(right, Fraction) and (node.sign != "/" or right):
        return _worked_out(node.sign, left, right)
    return _Operation(node.sign, left, right)


def _worked_out(sign: str, left: Fraction, right: Fraction) -> Fraction:
    match sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case _:
            return left / right


def _solved(node: _Node, value: Fraction, steps: list[str]) -> Fraction | None:
    """The letter's value, with a step for each operation that is undone; None if one cannot be undone."""
    while isinstance(node, _Operation):
        left, right = node.left, node.right
        if isinstance(right, Fraction):
            inner, sign, one, other = left, {"+": "-", "-": "+", "*": "/", "/": "*"}[node.sign], value, right
        elif isinstance(left, Fraction):
            sign = {"+": "-", "-": "-", "*": "/", "/": "/"}[node.sign]
            one, other = (left, value) if node.sign in ("-", "/") else (value, left)
            inner = right
        else:
            return None
        if sign == "/" and not other:
            return None
        value = _worked_out(sign, one, other)
        steps.append(f"So {_shown(inner)} = {_operand(one)} {sign} {_operand(other)} = {latex(value)}.")
        node = inner
    return value


def _shown(node: _Node, *, tight: bool = False) -> str:
    if isinstance(node, _Operation):
        inner = node.sign not in _LOOSE
        text = (
            f"{_shown(node.left, tight=inner)} {node.sign} "
            f"{_shown(node.right, tight=inner or node.sign == '-')}"
        )
        return f"({text})" if tight and (node.sign in _LOOSE or node.sign == "/") else text
    return node if isinstance(node, str) else plain(node)


def _operand(value: Fraction) -> str:
    return f"({plain(value)})" if value < 0 or value.denominator != 1 else plain(value)


def _number(gold: str) -> Fraction | None:
    r"""The value of `12`, `3/4` or `\frac{3}{4}`."""
    found = re.fullmatch(r"(-?)\\frac\{(\d+)\}\{(\d+)\}", gold)
    text = f"{found[1]}{found[2]}/{found[3]}" if found else gold
    return Fraction(text) if re.fullmatch(r"-?\d+(?:/[1-9]\d*)?", text) else None
