"""Programs that run functions on exact numbers: integers and fractions stay exact, also under `/` (RV-Syn).

There are three kinds of programs, with readers for their output: the calls of a decomposition, which print
its result; a comparison of a function with others, in every order of arguments; and a graph with several
drawings of its values, which prints the value of every call for each drawing. Values are printed as `12`,
`3/4` or, if a function leaves the exact numbers, `2.5e-05`.
"""

import ast
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from jz3.teacher.decompositions import Call, Function

BEYOND = 10**50
"""Larger exact values are printed as `huge` (chosen: such numbers are no sensible answer)."""
LEAST_DENOMINATOR = 10_000
"""A float within NEAR of a fraction with a smaller denominator is shown as that fraction (fact sheet)."""
NEAR = 1e-9
SAME = 1e-9
"""Relative difference up to which two floats count as equal (chosen: rounding of a few operations)."""

_HEAD = f"""import math
from fractions import Fraction
from itertools import permutations


def exact_(value):
    whole = isinstance(value, Fraction) and value.denominator == 1
    return int(value) if whole else value


def over_(one, other):
    if isinstance(one, (int, Fraction)) and isinstance(other, (int, Fraction)):
        return exact_(Fraction(one) / Fraction(other))
    return one / other


def shown_(value):
    if type(value) is float and math.isfinite(value):
        near = Fraction(value).limit_denominator({LEAST_DENOMINATOR - 1})
        return str(near) if abs(near - Fraction(value)) <= {NEAR} else repr(value)
    value = exact_(value)
    if type(value) in (int, Fraction) and abs(value) > {BEYOND}:
        return "huge"
    return str(value) if type(value) in (int, Fraction) else type(value).__name__
"""

_COMPARE = f"""

def ran_(function, arguments):
    try:
        return exact_(function(*arguments))
    except Exception as error:
        return type(error)


def same_(one, other):
    if isinstance(one, type) or isinstance(other, type):
        return one is other
    try:
        return one == other or math.isclose(one, other, rel_tol={SAME})
    except Exception:
        return False


def compare_(number, function, other, tuples):
    found = [ran_(function, some) for some in tuples]
    if all(isinstance(value, type) for value in found):
        return
    for order in permutations(range(len(tuples[0]))):
        if all(
            same_(value, ran_(other, [some[place] for place in order])) for value, some in zip(found, tuples)
        ):
            print(number, *order)

"""

_TRY = """

def try_(run, values):
    try:
        first, second = run(values), run(values)
        if list(map(repr, first)) != list(map(repr, second)):
            return "random"
        return " ".join(map(shown_, first))
    except Exception as error:
        return f"failed {type(error).__name__}"

"""


def called_program(functions: Sequence[Function], calls: Sequence[Call]) -> str:
    """A program with the calls on their literals; prints the value of the last one."""
    lines = [f"n{number} = {_called(call)}" for number, call in enumerate(calls)]
    return "\n".join([_HEAD, *_defined(functions), "", *lines, f"print(shown_(n{len(calls) - 1}))"])


def graph_program(
    functions: Sequence[Function], calls: Sequence[Call], drawn: Sequence[Sequence[int]]
) -> str:
    """A program with the calls for each drawing of their literals; prints a line for each drawing."""
    leaves = iter(range(sum(isinstance(one, str) for call in calls for one in call.arguments)))
    lines = [f"    n{number} = {_called(call, leaves)}" for number, call in enumerate(calls)]
    nodes = ", ".join(f"n{number}" for number in range(len(calls)))
    run = ["", "", "def run_(values):", *lines, f"    return [{nodes}]", "", ""]
    tried = f"for values in {json.dumps([list(some) for some in drawn])}:\n    print(try_(run_, values))"
    return "\n".join([_HEAD, _TRY, *_defined(functions), *run, tried])


Orders = dict[tuple[int, int], list[tuple[int, ...]]]
"""For two functions, by their numbers, the orders of arguments in which they are equal."""


def comparing_program(
    functions: Mapping[int, Function],
    pairs: Mapping[int, Sequence[int]],
    tuples: Mapping[int, Sequence[Sequence[int]]],
) -> str:
    """A program that compares functions on `tuples` of arguments, by the arguments' number. For each order of
    arguments in which two functions are always equal, it prints a line with both numbers and the order. The
    order (1, 0) means that the first argument of the one is the second of the other.
    """
    used = sorted({*pairs, *(other for others in pairs.values() for other in others)})
    lines = [_as(functions[number], f"function_{number}_") for number in used]
    lines += [f"tuples_ = {json.dumps({str(size): some for size, some in tuples.items()})}"]
    lines += [
        f"compare_('{number} {other}', function_{number}_, function_{other}_, "
        f"tuples_['{len(functions[number].parameters)}'])"
        for number, others in pairs.items()
        for other in others
    ]
    return "\n".join([_HEAD, _COMPARE, *lines])


def equal_orders(printed: Iterable[str]) -> Orders:
    """The orders that such programs found."""
    orders: Orders = {}
    for line in "".join(printed).splitlines():
        number, other, *order = map(int, line.split())
        orders.setdefault((number, other), []).append(tuple(order))
    return orders


Value = Fraction | float


@dataclass(frozen=True)
class Drawing:
    """A graph's results for one drawing of its values."""

    nodes: tuple[str, ...]
    """Values of its calls as printed; empty if there is a `fault`."""
    fault: str
    """`random`, or `failed` with the error."""


def read_drawings(printed: str, count: int) -> list[Drawing]:
    """A drawing for each line; if there are not `count` lines, none of them is believed."""
    lines = printed.splitlines()
    if len(lines) != count:
        return [Drawing((), f"failed with {len(lines)} lines for {count} drawings")] * count
    return [
        Drawing((), line) if line.startswith(("random", "failed")) else Drawing(tuple(line.split(" ")), "")
        for line in lines
    ]


def value_of(printed: str) -> Value | None:
    """A printed value; None if it is no number."""
    try:
        return Fraction(printed) if "e" not in printed.lower() else _finite(float(printed))
    except (ValueError, ZeroDivisionError):
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _called(call: Call, leaves: Iterator[int] | None = None) -> str:
    """The code of a call; literals stay as they are, or are taken from `leaves` in order."""

    def written(argument: str | int) -> str:
        if isinstance(argument, int):
            return f"n{argument}"
        return f"exact_(Fraction('{argument}'))" if leaves is None else f"values[{next(leaves)}]"

    return f"exact_({call.function}({', '.join(map(written, call.arguments))}))"


def _defined(functions: Sequence[Function]) -> list[str]:
    return [_as(function, function.name) for function in functions]


@lru_cache(maxsize=4_096)
def _as(function: Function, name: str) -> str:
    """A function under a name, with exact division. Cached: functions of a library are used in many
    graphs.
    """
    changed = _Exact(function.name, name).visit(function.definition)
    return f"\n{ast.unparse(changed)}\n"


class _Exact(ast.NodeTransformer):
    def __init__(self, own: str, name: str) -> None:
        self.own, self.name = own, name

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.name
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.name if node.id == self.own else node.id
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        """Turn `a /= b` into `a = a / b`."""
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div) or not isinstance(node.target, ast.Name):
            return node
        held = ast.Name(node.target.id, ast.Load())
        value = self.visit_BinOp(ast.BinOp(held, node.op, node.value))
        return ast.Assign([node.target], value, lineno=node.lineno)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        self.generic_visit(node)
        if not isinstance(node.op, ast.Div):
            return node
        return ast.Call(ast.Name("over_", ast.Load()), [node.left, node.right], [])
