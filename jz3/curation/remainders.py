"""Programs that drop a remainder although nobody asked for it: `print((d - b) // (c - a))` for a slope.

`whole_divisions` rewrites a program so that it stops with an error at a whole division with a remainder or an
integer square root of a number that is no square. The rewritten program is run like any other and shows
whether the answer depends on one. `//`, `int(a / b)` and `isqrt` are rewritten, except where dropping the
remainder is intended: in loops, comprehensions, conditions and indices, and in programs that use the
remainder as well (`%`, `divmod`). Costs a parse of the program.
"""

import ast
import re

ERROR = "DroppedRemainder"
_MODULUS = ("divmod", "ceil", "floor", "round")
"""Names that show that a program wants the whole part, or has the remainder."""
_HELPERS = f"""
class {ERROR}(BaseException):
    pass


def whole_division_(one, other):
    if type(one) is int and type(other) is int and one % other:
        raise {ERROR}(f"{{one}} // {{other}} leaves {{one % other}}")
    return one // other


def whole_root_(of):
    import math
    root = math.isqrt(of)
    if root * root != of:
        raise {ERROR}(f"isqrt({{of}}) leaves {{of - root * root}}")
    return root
"""


def whole_divisions(program: str) -> str | None:
    """The program, rewritten to end with ERROR if it drops a remainder; None if it cannot or means to."""
    if "//" not in program and "isqrt" not in program and "int(" not in program:
        return None
    try:
        tree = ast.parse(program)
        if _means_to(tree):
            return None
        strict = _Strict()
        strict.generic_visit(tree)
        if not strict.changes:
            return None
        at = sum(isinstance(node, ast.ImportFrom) and node.module == "__future__" for node in tree.body)
        at += ast.get_docstring(tree) is not None
        tree.body[at:at] = ast.parse(_HELPERS).body
        return ast.unparse(ast.fix_missing_locations(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # too deep to rewrite: no judgement
        return None


def dropped(error: str) -> str | None:
    """What a rewritten program dropped, from the last line of its error; None if it ended in another way."""
    found = re.match(rf"(?:__main__\.)?{ERROR}: (.*)", error)
    return found[1] if found else None


def _means_to(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Mod):
            return True
        if isinstance(node, ast.Name) and node.id in _MODULUS:
            return True
        if isinstance(node, ast.Attribute) and node.attr in _MODULUS:
            return True
    return False


class _Strict(ast.NodeTransformer):
    """Replaces the divisions of straight-line code by calls."""

    def __init__(self) -> None:
        self.changes = 0

    def visit(self, node: ast.AST) -> ast.AST:
        return node if isinstance(node, _ELSEWHERE) else super().visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return self._call(node.left, node.right) if isinstance(node.op, ast.FloorDiv) else node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if len(node.args) != 1 or node.keywords:
            return node
        inner = node.args[0]
        if name == "isqrt":
            self.changes += 1
            node.func = ast.Name("whole_root_", ast.Load())
        elif name == "int" and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Div):
            self.changes += 1
            inner.op = ast.FloorDiv()
            node.args = [self._call(inner.left, inner.right)]
        return node

    def _call(self, left: ast.expr, right: ast.expr) -> ast.Call:
        self.changes += 1
        return ast.Call(ast.Name("whole_division_", ast.Load()), [left, right], [])


_ELSEWHERE = (
    ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.If,
    ast.IfExp, ast.Compare, ast.Subscript, ast.Assert,
)  # fmt: skip
