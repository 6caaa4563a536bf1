r"""`Task: judge`: whether two answers are the same, by their values.

    Task: judge
    ...
    ### Reference answer
    18
    ### Given answer
    \frac{36}{2}
    ### Verdict

A reader of its own, and a plainer one than the grader's: it computes numbers in TeX or plain notation, part
by part where there are several, and compares the spelling of all else. So it is wrong now and then, as a
judge is: for it `x + 1` and `1 + x` are two answers.
"""

import ast
import math
import re
from fractions import Fraction

from jz3.writer.refusal import Refused

DATA = re.compile(
    r"^### Reference answer\n(.*)\n### Given answer\n(.*)\n### Verdict\s*\Z", re.MULTILINE | re.DOTALL
)
NEAR = 1e-6
"""Relative difference up to which roots and the like are equal (chosen: six digits); fractions are exact."""
LARGEST_POWER = 64
"""Larger exponents are not computed (chosen: no answer here has one)."""

Number = Fraction | float


def judge(prompt: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        headings = "'### Reference answer', '### Given answer' and ends '### Verdict'"
        raise Refused(400, "unreadable_prompt", f"a prompt of the task 'judge' has {headings}")
    gold, given = (part.strip() for part in asked.groups())
    same = is_same(gold, given)
    read = [value_of(part) for part in (gold, given)]
    told = "by their spelling" if None in read else f"as {read[0]} and {read[1]}"
    verdict = "same" if same else "different"
    return f"I read the two {told}. So they are {'one' if same else 'not one'}: \\boxed{{{verdict}}}"


def is_same(gold: str, given: str) -> bool:
    """Whether two answers are the same, part by part."""
    plain = [_plain(part) for part in (gold, given)]
    if plain[0] == plain[1]:
        return True
    values = [value_of(part) for part in (gold, given)]
    if values[0] is not None and values[1] is not None:
        return _near(values[0], values[1])
    ours, theirs = (_parts(part) for part in plain)
    if ours is None or theirs is None or len(ours[1]) < 2 or ours[0] != theirs[0]:
        return False
    return len(ours[1]) == len(theirs[1]) and all(
        is_same(one, other) for one, other in zip(ours[1], theirs[1], strict=True)
    )


def value_of(answer: str) -> Number | None:
    """The number that an answer gives; None if it is no number."""
    text = _plain(answer)
    percent = text.endswith("%")
    for pattern, written in _AS_PYTHON:
        text = pattern.sub(written, text)
    try:
        value = _computed(ast.parse(text.removesuffix("%"), mode="eval").body)
    except (SyntaxError, ValueError, ArithmeticError, RecursionError, MemoryError):
        return None
    return value / 100 if percent else value


def _plain(answer: str) -> str:
    text = answer
    for pattern, written in _PLAIN:
        text = pattern.sub(written, text)
    return text.strip().rstrip(".")


_PLAIN = [
    (re.compile(r"\\(?:left|right|displaystyle|,|!|;|:|quad|\s)"), ""),
    (re.compile(r"\\[dtc]frac"), r"\\frac"),
    (re.compile(r"\\(?:text|mathrm|mbox)\s*\{[^{}]*\}"), ""),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\^\s*\\?(?:circ|\{\s*\\circ\s*\})"), ""),
    (re.compile(r"\\?\$"), ""),
    (re.compile(r"(?<=\d),(?=\d{3}(?!\d))"), ""),
    (re.compile(r"\\[()\[\]]"), ""),
    (re.compile(r"\s+"), ""),
]
_AS_PYTHON = [
    (re.compile(r"\\frac(\d)(\d)"), r"((\1)/(\2))"),
    (re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}"), r"((\1)/(\2))"),
    (re.compile(r"\\sqrt\{([^{}]*)\}"), r"sqrt(\1)"),
    (re.compile(r"\\frac\{([^{}]*)\}\{([^{}]*)\}"), r"((\1)/(\2))"),  # one that held a root
    (re.compile(r"\\(?:cdot|times)"), "*"),
    (re.compile(r"\\pi"), "pi"),
    (re.compile(r"\^\{([^{}]*)\}"), r"**(\1)"),
    (re.compile(r"\^"), "**"),
    (re.compile(r"(?<=[\d)])(?=sqrt|pi|\()"), "*"),
    (re.compile(r"(?<![\d.])0+(?=\d)"), ""),
]


def _parts(text: str) -> tuple[str, list[str]] | None:
    """The brackets around a list, and its parts; None if the text is no list."""
    inner = re.fullmatch(r"([(\[{]|\\\{)?(.*?)([)\]}]|\\\})?", text, re.DOTALL)
    if inner is None or "," not in inner[2]:
        return None
    return f"{inner[1] or ''}{inner[3] or ''}", inner[2].split(",")


def _computed(node: ast.expr) -> Number:
    """Compute a node; raises ValueError for anything but arithmetic."""
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return Fraction(str(value))
        case ast.Name(id="pi"):
            return math.pi
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_computed(operand)
        case ast.Call(func=ast.Name(id="sqrt"), args=[argument], keywords=[]):
            return math.sqrt(_computed(argument))
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            power = _computed(right)
            if abs(power) > LARGEST_POWER:
                raise ValueError("too large a power")
            raised = _computed(left) ** power
            if raised.imag:
                raise ValueError("no real number")
            return raised.real
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _computed(left) + _computed(right)
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return _computed(left) - _computed(right)
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            return _computed(left) * _computed(right)
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return _computed(left) / _computed(right)
        case _:
            raise ValueError("no arithmetic")


def _near(one: Number, other: Number) -> bool:
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    return math.isclose(one, other, rel_tol=NEAR, abs_tol=NEAR)
