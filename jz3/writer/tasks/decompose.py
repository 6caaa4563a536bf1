r"""`Task: decompose`: a problem as functions of one operation each, and calls of them.

    Task: decompose
    ...
    ### Problem
    (the question)

    ### Program

The operations are those of the family, or the steps of its program, if that is a straight line. The key of
the request draws how each function is spelled: its name, the names and the order of its arguments, its body
and its description. What no family words so, or computes in loops, is left alone, and the writer says so.
"""

import ast
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from jz3.writer.draws import Draws
from jz3.writer.family import Family
from jz3.writer.operations import OF_FAMILY, OPERATIONS, Computation
from jz3.writer.refusal import Refused
from jz3.writer.tasks.number_words import read_words

DATA = re.compile(r"^### Problem\n(.*)\n### Program\s*\Z", re.MULTILINE | re.DOTALL)
NOT_KNOWN = "I do not know problems of this kind and cannot take this one apart."
OPENINGS = ("", "Each step is a function of its own.\n", "Here is the program.\n")
_STEPS: Mapping[type[ast.operator], str] = {
    ast.Add: "sum",
    ast.Sub: "difference",
    ast.Mult: "product",
    ast.Div: "quotient",
    ast.FloorDiv: "quotient",
    ast.Pow: "power",
    ast.Mod: "remainder",
}
_COMPUTED: Mapping[str, Callable[[Fraction, Fraction], Fraction | float]] = {
    "sum": operator.add,
    "difference": operator.sub,
    "product": operator.mul,
    "quotient": operator.truediv,
    "power": operator.pow,
    "remainder": operator.mod,
}
Steps = list[tuple[str, tuple[str | int, ...]]]
"""Operations with arguments: a literal, or the number of the step whose result is used."""


def decompose(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'decompose' has '### Problem' and ends '### Program'",
        )
    reading = read_words(asked[1].strip())
    if reading is None or reading.answer is None:
        return NOT_KNOWN
    steps = steps_of(reading.family, {name: str(value) for name, value in reading.values.drawn.items()})
    if not steps:
        return NOT_KNOWN
    return f"{Draws(key).choice('opening', OPENINGS)}```python\n{_program(steps, key)}\n```"


def steps_of(family: Family, values: dict[str, str]) -> Steps:
    """The steps from these values to the answer; empty if the family's program is not straight-line code, or
    takes the whole part of a quotient with a remainder.
    """
    if family.name in OF_FAMILY:
        return [
            (name, tuple(values[one] if isinstance(one, str) else one for one in arguments))
            for name, arguments in OF_FAMILY[family.name]
        ]
    lines = ast.parse(family.program.format(**values)).body
    known: dict[str, str | int] = {}
    steps: Steps = []
    for line in lines:
        match line:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=value)):
                known[name] = str(value)
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=[node])):
                if not isinstance(_steps(node, known, steps), int) or not _comes_out(steps):
                    return []
            case _:
                return []
    return steps


def _steps(node: ast.expr, known: dict[str, str | int], steps: Steps) -> str | int | None:
    """The value of an expression: a literal, or the number of a step, which is appended to the others."""
    match node:
        case ast.Constant(value=int(value)):
            return str(value)
        case ast.Name(id=name):
            return known.get(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            inner = _steps(operand, known, steps)
            return f"-{inner}" if isinstance(inner, str) else None
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _STEPS:
            one, other = _steps(left, known, steps), _steps(right, known, steps)
            if one is None or other is None:
                return None
            steps.append((_STEPS[type(op)], (one, other)))
            return len(steps) - 1
        case _:
            return None


def _comes_out(steps: Steps) -> bool:
    """Whether no quotient has a remainder, which the family's program might drop."""
    values: list[Fraction] = []
    for name, arguments in steps:
        one, other = (Fraction(each) if isinstance(each, str) else values[each] for each in arguments)
        if name == "quotient" and (one / other).denominator != 1:
            return False
        values.append(Fraction(_COMPUTED[name](one, other)))
    return True


def _program(steps: Steps, key: str) -> str:
    draws = Draws(key)
    names = list(dict.fromkeys(name for name, _ in steps))
    spelled = {name: _Spelled(OPERATIONS[name], name, draws) for name in names}
    functions = "\n\n\n".join(spelled[name].code for name in names)
    calls = "\n".join(_calls(steps, spelled))
    return f"{functions}\n\n\n{calls}\nprint(step_{len(steps)})"


def _calls(steps: Steps, spelled: "dict[str, _Spelled]") -> Iterator[str]:
    for number, (name, arguments) in enumerate(steps, 1):
        shown = [one if isinstance(one, str) else f"step_{one + 1}" for one in arguments]
        yield f"step_{number} = {spelled[name].called(shown)}"


class _Spelled:
    """An operation in the spelling of one answer."""

    def __init__(self, operation: Computation, name: str, draws: Draws) -> None:
        self._operation = operation
        self._name = draws.choice(f"{name}/name", operation.names)
        spelling = draws.whole(f"{name}/roles", 0, 1)
        self._roles = [names[spelling] for names, _ in operation.roles]
        turned = draws.whole(f"{name}/order", 0, 3) == 0
        self._order = list(range(len(self._roles)))[:: -1 if turned else 1]
        value = operation.expression.format(*self._roles)
        body = (f"return {value}", f"result = {value}\n    return result")
        doc = draws.choice(f"{name}/doc", operation.docs)
        arguments = ", ".join(f'{self._roles[one]}: "{operation.roles[one][1]}"' for one in self._order)
        self.code = (
            f'def {self._name}({arguments}) -> "{operation.returns}":\n'
            f'    """{doc} Topic: {operation.topic}"""\n'
            f"    {draws.choice(f'{name}/body', body)}"
        )

    def called(self, arguments: Sequence[str]) -> str:
        return f"{self._name}({', '.join(arguments[one] for one in self._order)})"
