"""Reads a teacher's decomposition of a problem: functions of one operation each, and a main part of calls
(RV-Syn).

    def total_cost(price: "dollars per item", count: "number of items") -> "dollars":
        \"\"\"Cost of equal items. Topic: shopping\"\"\"
        return price * count

    cost = total_cost(7, 8)
    print(cost)

An annotation in words is the kind of a value, including its unit; a value without one has the kind `number`.
Literals with names, calls within calls, and a main part in `main()` or under `if __name__` are read, too.

The rules:

- `no_program`, `not_python`, `no_function`, `undescribed`
- `not_calls`: the main part has anything other than calls of these functions on literals and results, or does
  not end in a single print
- `impure`: a function reads names that are not its own, imports, prints, or has variadic arguments
- `not_decomposed`: a body with more than MOST_OPERATIONS
"""

import ast
import builtins
import math
import re
from collections.abc import Iterable, Sequence, Set
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache

from jz3.notation.thoughts import without_thoughts
from jz3.teacher.canonical import operations, spelled
from jz3.text.fences import fenced_blocks
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable

MOST_OPERATIONS = 12
"""The most operations of one function (chosen, as the fact sheet proposes): a longer body is a whole
solution.
"""
MOST_PARAMETERS = 4
"""The most parameters of one function (chosen): 24 orders to compare."""
NUMBER = "number"
"""The kind of a value without a kind."""
UNTAGGED = "other"
"""The topic of a function without a topic."""
_TYPES = {"int", "float", "complex", "str", "bool", "list", "tuple", "Fraction", "Decimal", "Number", "Any"}
_FORBIDDEN = {
    "print", "input", "open", "exec", "eval", "compile", "globals", "locals", "vars", "exit", "quit", "help",
    "breakpoint", "getattr", "setattr", "delattr", "id", "hash", "memoryview", "copyright", "credits",
    "license",
}  # fmt: skip
_ENDING = {
    name
    for name, held in vars(builtins).items()
    if isinstance(held, type) and issubclass(held, BaseException) and not issubclass(held, Exception)
}
"""Exceptions that end a program but are no errors."""
_PURE = {name for name in vars(builtins) if not name.startswith("_")} - _FORBIDDEN - _ENDING
_TOPIC = re.compile(r"\btopic\s*:\s*([^\n.]+)\.?", re.IGNORECASE)
_SECTION = re.compile(
    r"^\s*(?:args|arguments|parameters|params|returns?|examples?|:param|:return)\b", re.IGNORECASE
)
_CODE_START = re.compile(r"^(?:def|import|from)\s", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a function."""

    name: str
    kind: str


@dataclass(frozen=True)
class Function:
    """One named operation."""

    name: str
    topic: str
    doc: str
    """What it does, in a sentence or two."""
    parameters: tuple[Parameter, ...]
    returns: str
    """The kind of its result."""
    source: str
    """Python in one spelling, without annotations and description."""

    @property
    def definition(self) -> ast.FunctionDef:
        """Its source as a tree."""
        line = ast.parse(self.source).body[0]
        assert isinstance(line, ast.FunctionDef)
        return line

    @property
    def shown(self) -> str:
        """The function as a prompt shows it: with kinds and description."""
        head, _, body = self.source.partition("\n")
        name, _, _ = head.partition("(")
        parameters = ", ".join(f'{one.name}: "{one.kind}"' for one in self.parameters)
        return f'{name}({parameters}) -> "{self.returns}":\n    """{self.doc}"""\n{body}'


Argument = str | int
"""A literal as it is printed (`7`, `2.5`, `3/4`), or the number of the call whose result is used."""


@dataclass(frozen=True)
class Call:
    """A node of a graph."""

    function: str
    arguments: tuple[Argument, ...]


@dataclass(frozen=True)
class Decomposition:
    """The functions that are called, and the calls in order; the last one gives the result."""

    functions: tuple[Function, ...]
    calls: tuple[Call, ...]


class _Broken(Exception):  # noqa: N818 (never leaves this module)
    def __init__(self, rule: str, evidence: str) -> None:
        super().__init__(rule)
        self.unusable = Unusable(rule, evidence[:EVIDENCE_CHARACTERS])


def read_decomposition(reply: str) -> Decomposition | Unusable:
    """The decomposition in an answer, or why there is none that can be used."""
    try:
        return _decomposition(*_program(without_thoughts(reply).replace("\r\n", "\n")))
    except _Broken as broken:
        return broken.unusable
    except RecursionError:
        return Unusable("not_decomposed", f"too deep: {reply}"[:EVIDENCE_CHARACTERS])


def _program(text: str) -> tuple[ast.Module, list[str]]:
    """The tree of an answer's program, and its lines as the tree counts them."""
    blocks = [block.body for block in fenced_blocks(text) if block.is_program or "def " in block.body]
    started = _CODE_START.search(text)
    if not blocks and started is None:
        raise _Broken("no_program", text)
    program = "\n".join(blocks) if blocks else text[started.start() :] if started else ""
    try:
        return ast.parse(program), program.replace("\r", "\n").split("\n")
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
    ) as error:  # Python's errors for text that is no program
        raise _Broken("not_python", f"{error}: {program}") from error


def _decomposition(tree: ast.Module, lines: Sequence[str]) -> Decomposition:
    definitions = [line for line in tree.body if isinstance(line, ast.FunctionDef)]
    main = [line for line in definitions if line.name == "main" and not line.args.args]
    if len(definitions) == len(main):
        raise _Broken("no_function", ast.unparse(tree))
    written = (_Written("\n".join(lines[line.lineno - 1 : line.end_lineno]), line) for line in definitions)
    functions = tuple(_function(one) for one in written if one.line not in main)
    reading = _Calls({one.name: one for one in functions})
    if len(reading.functions) < len(functions):
        raise _Broken("not_calls", f"two functions of one name: {ast.unparse(tree)}")
    for line in _main_lines(tree.body, main):
        reading.read(line)
    if reading.printed is None:
        raise _Broken("not_calls", f"no result is printed: {ast.unparse(tree)}")
    if reading.printed != len(reading.calls) - 1:
        raise _Broken("not_calls", f"what is printed is not the last call: {ast.unparse(tree)}")
    called = {call.function for call in reading.calls}
    return Decomposition(tuple(one for one in functions if one.name in called), tuple(reading.calls))


def _main_lines(body: Sequence[ast.stmt], main: Sequence[ast.FunctionDef]) -> list[ast.stmt]:
    lines: list[ast.stmt] = []
    for line in body:
        if isinstance(line, ast.FunctionDef | ast.Import | ast.ImportFrom):
            continue
        if isinstance(line, ast.If) and ast.unparse(line.test) == "__name__ == '__main__'":
            lines += _main_lines(line.body, main)
        elif main and isinstance(line, ast.Expr) and ast.unparse(line.value) == "main()":
            lines += _main_lines(main[0].body, ())
        elif not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)):
            lines.append(line)
    return lines


@dataclass(frozen=True)
class _Written:
    """A function as it is written in an answer."""

    source: str
    """Its lines without decorators, which change nothing."""
    line: ast.FunctionDef = field(compare=False)


@lru_cache(maxsize=1_024)
def _function(written: _Written) -> Function:
    """Read a function; cached, because a teacher writes many in the same words."""
    line = written.line
    described = ast.get_docstring(line) or ""
    topic = _TOPIC.search(described)
    doc = _first_part(_TOPIC.sub("", described))
    if not doc:
        raise _Broken("undescribed", ast.unparse(line))
    arguments = line.args
    if (
        arguments.vararg
        or arguments.kwarg
        or arguments.kwonlyargs
        or arguments.posonlyargs
        or arguments.defaults
    ):
        raise _Broken("impure", f"arguments that are not plain: {ast.unparse(line)}")
    if not 0 < len(arguments.args) <= MOST_PARAMETERS:
        raise _Broken("not_decomposed", f"{len(arguments.args)} parameters: {ast.unparse(line)}")
    nodes = [node for part in line.body for node in ast.walk(part)]
    own = {one.arg for one in arguments.args} | _stored(nodes)
    _must_be_pure(line, nodes, own)
    if operations(nodes) > MOST_OPERATIONS:
        raise _Broken("not_decomposed", ast.unparse(line))
    return Function(
        name=line.name,
        topic=(topic[1].strip().lower() if topic else "") or UNTAGGED,
        doc=doc,
        parameters=tuple(Parameter(one.arg, _kind(one.annotation)) for one in arguments.args),
        returns=_kind(line.returns),
        source=ast.unparse(_plain(line, nodes, own)),
    )


def _first_part(described: str) -> str:
    """A description up to its list of arguments, on one line."""
    kept: list[str] = []
    for text in described.split("\n"):
        if _SECTION.match(text):
            break
        kept.append(text)
    return " ".join(" ".join(kept).split())


def _kind(annotation: ast.expr | None) -> str:
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        words = " ".join(annotation.value.lower().split())
        return NUMBER if not words or words.title() in _TYPES or words in _TYPES else words
    if isinstance(annotation, ast.Name) and annotation.id not in _TYPES:
        return annotation.id.lower().replace("_", " ")
    return NUMBER


def _plain(line: ast.FunctionDef, nodes: Sequence[ast.AST], own: Set[str]) -> ast.FunctionDef:
    """A function without annotations, description, decorators, and imports of what is available anyway. It
    shares lines with the original, except copies where a name is written out.
    """
    held = [
        one
        for one in line.body
        if not isinstance(one, ast.Import | ast.ImportFrom)
        and not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
    ]
    arguments = [ast.arg(one.arg) for one in line.args.args]
    plain = ast.FunctionDef(
        name=line.name,
        args=ast.arguments(posonlyargs=[], args=arguments, kwonlyargs=[], kw_defaults=[], defaults=[]),
        body=held or [ast.Pass()],
        decorator_list=[],
        lineno=line.lineno,
    )
    named = _Named(own)
    short = any(isinstance(node, ast.Name) and named.is_short(node.id) for node in nodes)
    return named.visit(deepcopy(plain)) if short else plain


class _Named(ast.NodeTransformer):
    """Writes `sqrt` as `math.sqrt`, whatever was imported."""

    def __init__(self, own: Set[str]) -> None:
        self.own = own

    def is_short(self, name: str) -> bool:
        """Whether a name stands for something in `math`."""
        return name in _MATH and name not in self.own and name not in _PURE

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if not self.is_short(node.id):
            return node
        return ast.Attribute(ast.Name("math", ast.Load()), node.id, ast.Load())


def _stored(nodes: Iterable[ast.AST]) -> set[str]:
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}


def _must_be_pure(line: ast.FunctionDef, nodes: Iterable[ast.AST], own: Set[str]) -> None:
    known = own | {line.name}
    for node in nodes:
        if isinstance(node, ast.Name) and node.id not in known and node.id not in _KNOWN:
            raise _Broken("impure", f"{node.id} is not its own: {ast.unparse(line)}")
        if isinstance(node, ast.Attribute) and (spelled(node.value) != "math" or node.attr not in _MATH):
            raise _Broken("impure", f"{ast.unparse(node)}: {ast.unparse(line)}")
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {node.module} if isinstance(node, ast.ImportFrom) else {one.name for one in node.names}
            if not names <= {"math", "fractions"} or any(one.asname for one in node.names):
                raise _Broken("impure", ast.unparse(line))
        if isinstance(node, _NO_FUNCTION):
            raise _Broken("impure", ast.unparse(line))


_MATH = {name for name in vars(math) if not name.startswith("_")}
_KNOWN = _PURE | {"math", "Fraction"} | _MATH
_NO_FUNCTION = (
    ast.Global, ast.Nonlocal, ast.Lambda, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Yield,
    ast.YieldFrom, ast.Await, ast.Try, ast.With, ast.Delete, ast.JoinedStr,
)  # fmt: skip


@dataclass
class _Calls:
    """The main part, line by line."""

    functions: dict[str, Function]
    calls: list[Call] = field(default_factory=list[Call])
    printed: int | None = None
    _known: dict[str, Argument] = field(default_factory=dict[str, Argument])

    def read(self, line: ast.stmt) -> None:
        if self.printed is not None:
            raise _Broken("not_calls", f"after the result: {ast.unparse(line)}")
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                self._known[name] = self._argument(value)
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                self._known[name] = self._argument(value)
            case ast.Expr(value=ast.Call() as call) if _is_print(call):
                result = self._argument(call.args[0])
                if isinstance(result, str):
                    raise _Broken("not_calls", f"no result of a call: {ast.unparse(line)}")
                self.printed = result
            case _:
                raise _Broken("not_calls", ast.unparse(line))

    def _argument(self, node: ast.expr) -> Argument:
        if isinstance(node, ast.Name) and node.id in self._known:
            return self._known[node.id]
        literal = _literal(node)
        return self._call(node) if literal is None else literal

    def _call(self, node: ast.expr) -> int:
        called = (
            self.functions.get(node.func.id)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            else None
        )
        if called is None or not isinstance(node, ast.Call):
            raise _Broken("not_calls", ast.unparse(node))
        names = [one.name for one in called.parameters]
        given = dict(zip(names, node.args, strict=False)) | {
            one.arg or "": one.value for one in node.keywords
        }
        if len(node.args) + len(node.keywords) != len(names) or sorted(given) != sorted(names):
            raise _Broken("not_calls", f"{ast.unparse(node)} does not fit {', '.join(names)}")
        arguments = tuple(self._argument(given[name]) for name in names)
        self.calls.append(Call(called.name, arguments))
        return len(self.calls) - 1


def _is_print(call: ast.Call) -> bool:
    return (
        isinstance(call.func, ast.Name)
        and call.func.id == "print"
        and len(call.args) == 1
        and not call.keywords
    )


def _literal(node: ast.expr) -> str | None:
    """`7`, `-2.5`, `3 / 4`, `Fraction(3, 4)` as printed; None for anything else."""
    if isinstance(node, ast.Constant):
        fits = isinstance(node.value, int | float) and not isinstance(node.value, bool)
        return repr(node.value) if fits and math.isfinite(node.value) else None  # pyright: ignore[reportArgumentType]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        inner = _literal(node.operand)
        return None if inner is None or inner.startswith("-") else f"-{inner}"
    pair: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        pair = [node.left, node.right]
    elif isinstance(node, ast.Call) and spelled(node.func) in ("Fraction", "fractions.Fraction"):
        pair = [*node.args, ast.Constant(1)][:2]
    if len(pair) != 2 or not all(
        isinstance(part, ast.Constant) and isinstance(part.value, int) for part in pair
    ):
        return None
    above, below = (ast.unparse(part) for part in pair)
    return None if int(below) == 0 else str(Fraction(int(above), int(below)))
