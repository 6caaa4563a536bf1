"""The canonical form of a function, which reveals that two functions compute the same (RV-Syn).

The steps, in this order:

- Descriptions, annotations, comments, asserts and imports are removed, and names of `math` are written out
  (`sqrt` is `math.sqrt`, `math.pow(a, b)` is `a ** b`).
- Temporaries that are assigned once and read once are replaced by their values.
- Chains of one commutative operation are flattened and sorted by their text with all names blanked.
- Parameters become p0, p1, ... and other locals v0, v1, ... in order of first appearance; 2.0 becomes 2.

In loops and recursion only names change.

Functions with the same form need not give the same results (what a temporary was made of may change before it
is read), so results decide. `structure` of two forms is Dice's coefficient over the multisets of their
subtrees. Costs some 200 microseconds per function.
"""

import ast
import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

SELF = "f"
"""A function's own name in its canonical form."""


@dataclass(frozen=True)
class Canonical:
    """A canonical form."""

    text: str
    subtrees: Counter[str]
    order: tuple[str, ...]
    """The function's names of its parameters, in the order p0, p1, ...; unused ones last."""


def canonical(function: ast.FunctionDef) -> Canonical:
    """The form of a function without variadic or keyword parameters; the function itself is not changed."""
    body = [_Spelled().visit(line) for line in _copied(function.body) if not _is_cut(line)]
    _put_in_place(body)
    body = [_Sorted().visit(line) for line in body]
    parameters = [argument.arg for argument in function.args.args]
    renamed = _Renamed(parameters, _assigned(body), function.name)
    for line in body:
        renamed.visit(line)
    left = [name for name in parameters if name not in renamed.names]
    for name in left:
        renamed.rename(name)
    text = "\n".join(map(_text, body))
    subtrees = Counter([f"function: {text}", *(_text(node) for line in body for node in _nodes(line))])
    order = tuple(sorted(parameters, key=lambda name: int(renamed.names[name][1:])))
    return Canonical(text, subtrees, order)


def structure(one: Canonical, other: Canonical) -> float:
    """Similarity of two forms, in [0, 1]; 1 if they are equal. Only the texts decide it."""
    common = (one.subtrees & other.subtrees).total()
    return 2 * common / (one.subtrees.total() + other.subtrees.total())


def operations(nodes: Iterable[ast.AST]) -> int:
    """How many nodes of a body are operations: arithmetic, comparisons and calls."""
    counted = (ast.BinOp, ast.BoolOp, ast.Compare, ast.Call, ast.AugAssign)
    return sum(isinstance(node, counted) for node in nodes)


def spelled(node: ast.expr) -> str:
    """An expression as code; most are names, for which `ast.unparse` would take 10 microseconds."""
    return node.id if isinstance(node, ast.Name) else ast.unparse(node)


class _Chain(ast.expr):
    """Terms of one commutative operation, flattened."""

    _fields = ("terms",)
    sign: str
    terms: list[ast.expr]


def _copied(lines: list[ast.stmt]) -> list[ast.stmt]:
    return ast.parse(ast.unparse(ast.Module(lines, []))).body


def _is_cut(line: ast.stmt) -> bool:
    described = isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)
    return described or isinstance(line, ast.Assert | ast.Import | ast.ImportFrom | ast.Pass)


class _Spelled(ast.NodeTransformer):
    """Gives equivalent code one spelling."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        return node if node.value is None else ast.Assign([node.target], node.value)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = spelled(node.func)
        if name in ("pow", "math.pow") and len(node.args) == 2:
            return ast.BinOp(node.args[0], ast.Pow(), node.args[1])
        if name in ("float", "Fraction") and len(node.args) == 1 and not node.keywords:
            return node.args[0]
        if isinstance(node.func, ast.Name) and hasattr(math, name):
            node.func = ast.Attribute(ast.Name("math", ast.Load()), name, ast.Load())
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        whole = isinstance(node.value, float) and node.value.is_integer()
        return ast.Constant(int(node.value)) if whole else node  # pyright: ignore[reportArgumentType]


def _put_in_place(body: list[ast.stmt]) -> None:
    """Replace each temporary of straight-line code by its value where it is read."""
    place = 0
    while place < len(body):
        line = body[place]
        name = _assigned_to(line)
        rest = body[place + 1 :]
        if name is None or _stored([*body[:place], *rest], name) or _read([line], name):
            place += 1
            continue
        reads = _read(rest, name)
        if reads != 1 or any(isinstance(after, ast.For | ast.While) for after in rest):
            place += 1
            continue
        assert isinstance(line, ast.Assign)
        put = _Put(name, line.value)
        body[place:] = [put.visit(after) for after in rest]
        place = max(place - 1, 0)


def _assigned_to(line: ast.stmt) -> str | None:
    if isinstance(line, ast.Assign) and len(line.targets) == 1 and isinstance(line.targets[0], ast.Name):
        return line.targets[0].id
    return None


def _names(lines: list[ast.stmt], name: str, context: type[ast.expr_context]) -> int:
    walked = (node for line in lines for node in ast.walk(line))
    return sum(
        isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, context) for node in walked
    )


def _stored(lines: list[ast.stmt], name: str) -> int:
    return _names(lines, name, ast.Store)


def _read(lines: list[ast.stmt], name: str) -> int:
    return _names(lines, name, ast.Load)


class _Put(ast.NodeTransformer):
    def __init__(self, name: str, value: ast.expr) -> None:
        self.name, self.value = name, value

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return self.value if node.id == self.name and isinstance(node.ctx, ast.Load) else node


_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Mult: "*"}


class _Sorted(ast.NodeTransformer):
    """Chains of + and * with their terms in order; `a + b - c` keeps its difference."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        sign = _SIGNS.get(type(node.op))
        if sign is None:
            return node
        chain = _Chain()
        chain.sign = sign
        terms = [*_terms(node.left, sign), *_terms(node.right, sign)]
        chain.terms = sorted(terms, key=lambda term: _text(term, blank=True))
        return chain


def _terms(node: ast.expr, sign: str) -> list[ast.expr]:
    return node.terms if isinstance(node, _Chain) and node.sign == sign else [node]


def _assigned(body: list[ast.stmt]) -> set[str]:
    walked = (node for line in body for node in ast.walk(line))
    return {node.id for node in walked if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


class _Renamed(ast.NodeTransformer):
    def __init__(self, parameters: list[str], assigned: set[str], own: str) -> None:
        self.parameters, self.locals = parameters, assigned - set(parameters)
        self.names: dict[str, str] = {own: SELF}
        self._counts: Counter[str] = Counter()

    def rename(self, name: str) -> str:
        if name not in self.names:
            letter = "p" if name in self.parameters else "v"
            self.names[name] = f"{letter}{self._counts[letter]}"
            self._counts[letter] += 1
        return self.names[name]

    def visit_Name(self, node: ast.Name) -> ast.AST:
        known = node.id in self.parameters or node.id in self.locals or node.id in self.names
        if known:
            node.id = self.rename(node.id)
        return node


def _nodes(node: ast.AST) -> Iterator[ast.AST]:
    """A node and all below it, except contexts and operators, which are part of their parents' text."""
    left_out = ast.expr_context | ast.operator | ast.unaryop | ast.cmpop | ast.boolop
    if not isinstance(node, left_out):
        yield node
        for child in ast.iter_child_nodes(node):
            yield from _nodes(child)


def _text(node: ast.AST, *, blank: bool = False) -> str:
    """The same text for equal trees; chains by their terms. With `blank` every name is the same."""
    if isinstance(node, _Chain):
        return f"({f' {node.sign} '.join(_text(term, blank=blank) for term in node.terms)})"
    if isinstance(node, ast.Name):
        return "_" if blank else node.id
    if isinstance(node, ast.Constant):
        return repr(node.value)
    shown = [type(node).__name__]
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr_context):
            continue
        parts: list[Any] = value if isinstance(value, list) else [value]
        shown += [_text(one, blank=blank) if isinstance(one, ast.AST) else f"{name}={one}" for one in parts]
    return f"({' '.join(shown)})"
