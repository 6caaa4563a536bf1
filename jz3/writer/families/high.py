"""High school: equations, sequences, lines, a derivative, a logarithm. Drawn so that answers are whole."""

from collections.abc import Mapping
from fractions import Fraction
from itertools import accumulate, repeat
from operator import mul

from jz3.writer.family import Exact, Family, Values, Whole, Word
from jz3.writer.vocabulary import NAMES

MAX_EXPONENT = 64
"""Larger exponents are refused, so that a number which a model wrote cannot fill the memory (chosen)."""


def _power(base: int, exponent: int) -> int:
    if not 0 <= exponent <= MAX_EXPONENT:
        message = f"exponent {exponent}; one in 0 to {MAX_EXPONENT} was expected"
        raise ValueError(message)
    return base**exponent


def _arithmetic(v: Values) -> Mapping[str, Exact]:
    if v.c < 1:
        message = f"term number {v.c}; 1 or more was expected"
        raise ValueError(message)
    return {"steps": v.c - 1, "added": (v.c - 1) * v.b, "answer": v.a + (v.c - 1) * v.b}


def _geometric(v: Values) -> Mapping[str, Exact]:
    power = _power(v.b, v.c - 1)
    return {"steps": v.c - 1, "power": power, "answer": v.a * power}


def _logarithm(v: Values) -> Mapping[str, Exact]:
    if v.b < 2:
        message = f"base {v.b}; 2 or more was expected"
        raise ValueError(message)
    power = _power(v.b, v.c)
    return {"power": power, "answer": power + v.a}


def _discriminant(v: Values) -> int:
    """The discriminant. Its root w gives the roots (a + w) / 2 and (a - w) / 2, with sum of squares (a^2 +
    w^2) / 2.
    """
    return v.a * v.a - 4 * v.b


def _parabola(v: Values, x: int) -> int:
    return v.a * x * x + v.b * x


FAMILIES = (
    Family(
        name="high.linear",
        words=("linear", "equation", "equations", "solve", "solver", "unknown", "coefficients"),
        fields={
            "name": Word(NAMES),
            "a": Whole(3, 15),
            "b": Whole(2, 30),
            "c": Whole(2, 14),
            "d": Whole(5, 90),
        },
        wordings=(
            "{name} solves the linear equation {a} * x + {b} = {c} * x + {d} with x on both sides. "
            "What is x?",
            "The linear equation {a} * x + {b} = {c} * x + {d} of {name} has x on both sides. What is x?",
            "With x on both sides {name} writes the linear equation {a} * x + {b} = {c} * x + {d}. "
            "What is x?",
        ),
        holds=lambda v: v.a - v.c >= 2 and v.d > v.b and (v.d - v.b) % (v.a - v.c) == 0,
        solve=lambda v: {
            "left": v.a - v.c,
            "right": v.d - v.b,
            "answer": Fraction(v.d - v.b, v.a - v.c),
        },
        solution="Take {c} * x and {b} from both sides: {a} - {c} = {left} and {d} - {b} = {right}. "
        "So {left} * x = {right} and x = {right} / {left} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint((d - b) // (a - c))",
        proves=lambda v, answer: v.a * Fraction(answer) + v.b == v.c * Fraction(answer) + v.d,
    ),
    Family(
        name="high.quadratic",
        words=("quadratic", "root", "roots", "polynomial", "polynomials", "discriminant", "factor"),
        fields={"name": Word(NAMES), "a": Whole(4, 20), "b": Whole(2, 60)},
        wordings=(
            "{name} calls r and s the roots of the quadratic x^2 - {a} * x + {b}. What is r^2 + s^2?",
            "The roots of the quadratic x^2 - {a} * x + {b} are r and s. What is r^2 + s^2?",
            "{name} takes the roots r and s of the quadratic x^2 - {a} * x + {b}. What is r^2 + s^2?",
        ),
        holds=lambda v: v.a * v.a > 4 * v.b,
        solve=lambda v: {"square": v.a * v.a, "double": 2 * v.b, "answer": v.a * v.a - 2 * v.b},
        solution="The roots have the sum r + s = {a} and the product r * s = {b}. "
        "Here {a} * {a} = {square} and 2 * {b} = {double}. "
        "So r^2 + s^2 = {square} - {double} = {answer}.",
        program="a = {a}\nb = {b}\nprint(a * a - 2 * b)",
        proves=lambda v, answer: Fraction(v.a * v.a + _discriminant(v), 2) == answer,
    ),
    Family(
        name="high.arithmetic",
        words=("arithmetic", "sequence", "sequences", "term", "terms", "difference", "progression"),
        fields={"name": Word(NAMES), "a": Whole(2, 60), "b": Whole(2, 12), "c": Whole(4, 21)},
        wordings=(
            "An arithmetic sequence of {name} starts with {a} and has the difference {b}. "
            "What is term number {c}?",
            "{name} writes an arithmetic sequence with first term {a} and difference {b}. "
            "What is term number {c}?",
            "The arithmetic sequence of {name} has first term {a} and difference {b}. "
            "What is term number {c}?",
        ),
        holds=lambda v: v.a != v.b,
        solve=_arithmetic,
        solution="There are {c} - 1 = {steps} steps. They add {steps} * {b} = {added}. "
        "The term is {a} + {added} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a + (c - 1) * b)",
        proves=lambda v, answer: range(v.a, v.a + v.b * v.c, v.b)[-1] == answer,
    ),
    Family(
        name="high.geometric",
        words=("geometric", "power", "powers", "series", "growth", "exponential", "doubling"),
        fields={"name": Word(NAMES), "a": Whole(2, 60), "b": Whole(2, 5), "c": Whole(3, 6)},
        wordings=(
            "A geometric sequence of {name} starts with {a} and has the ratio {b}. What is term number {c}?",
            "{name} writes a geometric sequence with first term {a} and ratio {b}. What is term number {c}?",
            "The geometric sequence of {name} has first term {a} and ratio {b}. What is term number {c}?",
        ),
        holds=lambda v: v.a * v.b ** (v.c - 1) <= 600,
        solve=_geometric,
        solution="There are {c} - 1 = {steps} steps. They multiply by {b}^{steps} = {power}. "
        "The term is {a} * {power} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(a * b ** (c - 1))",
        proves=lambda v, answer: list(accumulate(repeat(v.b, v.c - 1), mul, initial=v.a))[-1] == answer,
    ),
    Family(
        name="high.slope",
        words=("slope", "line", "lines", "point", "points", "gradient", "coordinates", "axis"),
        fields={
            "name": Word(NAMES),
            "a": Whole(1, 12),
            "b": Whole(1, 40),
            "c": Whole(3, 20),
            "d": Whole(1, 60),
        },
        wordings=(
            "{name} draws a line through the points ({a}, {b}) and ({c}, {d}). "
            "What is the slope of the line?",
            "A line of {name} passes through the points ({a}, {b}) and ({c}, {d}). "
            "What is the slope of the line?",
            "The line of {name} goes through the points ({a}, {b}) and ({c}, {d}). "
            "What is the slope of the line?",
        ),
        holds=lambda v: v.d - v.b > v.c - v.a >= 2 and (v.d - v.b) % (v.c - v.a) == 0,
        solve=lambda v: {
            "rise": v.d - v.b,
            "run": v.c - v.a,
            "answer": Fraction(v.d - v.b, v.c - v.a),
        },
        solution="The line rises by {d} - {b} = {rise} and runs by {c} - {a} = {run}. "
        "The slope is {rise} / {run} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nd = {d}\nprint((d - b) // (c - a))",
        proves=lambda v, answer: v.b + Fraction(answer) * (v.c - v.a) == v.d,
    ),
    Family(
        name="high.system",
        words=("system", "systems", "simultaneous", "elimination", "substitution", "matrix", "variables"),
        fields={"name": Word(NAMES), "a": Whole(5, 60), "b": Whole(2, 9), "c": Whole(2, 90)},
        wordings=(
            "{name} solves the system x + y = {a} and {b} * x - y = {c}. What is x?",
            "The system x + y = {a} and {b} * x - y = {c} has one solution. What is x?",
            "In a system of {name} stand x + y = {a} and {b} * x - y = {c}. What is x?",
        ),
        holds=lambda v: (v.a + v.c) % (v.b + 1) == 0 and v.a + v.c < v.a * (v.b + 1),
        solve=lambda v: {
            "factor": v.b + 1,
            "total": v.a + v.c,
            "answer": Fraction(v.a + v.c, v.b + 1),
        },
        solution="Add the equations: 1 + {b} = {factor} and {a} + {c} = {total}, so {factor} * x = {total}. "
        "Then x = {total} / {factor} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint((a + c) // (b + 1))",
        proves=lambda v, answer: v.b * Fraction(answer) - (v.a - Fraction(answer)) == v.c,
    ),
    Family(
        name="high.derivative",
        words=("derivative", "derivatives", "differentiate", "diff", "calculus", "tangent", "function"),
        fields={"name": Word(NAMES), "a": Whole(2, 12), "b": Whole(2, 30), "c": Whole(2, 9)},
        wordings=(
            "{name} finds the derivative of f(x) = {a} * x^2 + {b} * x at x = {c}. What is it?",
            "What is the derivative of f(x) = {a} * x^2 + {b} * x at x = {c} in the book of {name}?",
            "In a test {name} takes the derivative of f(x) = {a} * x^2 + {b} * x at x = {c}. What is it?",
        ),
        holds=lambda v: v.a != v.c,
        solve=lambda v: {
            "double": 2 * v.a,
            "product": 2 * v.a * v.c,
            "answer": 2 * v.a * v.c + v.b,
        },
        solution="The derivative is 2 * {a} * x + {b}. "
        "Here 2 * {a} = {double} and {double} * {c} = {product}. "
        "The result is {product} + {b} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(2 * a * c + b)",
        proves=lambda v, answer: Fraction(_parabola(v, v.c + 1) - _parabola(v, v.c - 1), 2) == answer,
    ),
    Family(
        name="high.logarithm",
        words=("logarithm", "logarithms", "log", "exponent", "exponents", "exp", "base"),
        fields={"name": Word(NAMES), "a": Whole(2, 60), "b": Whole(2, 9), "c": Whole(2, 6)},
        wordings=(
            "{name} knows that the logarithm of x - {a} to the base {b} is {c}. What is x?",
            "The logarithm of x - {a} to the base {b} is {c} in the book of {name}. What is x?",
            "On paper {name} finds that the logarithm of x - {a} to the base {b} is {c}. What is x?",
        ),
        holds=lambda v: v.b**v.c <= 256,
        solve=_logarithm,
        solution="The logarithm says that x - {a} = {b}^{c}, and {b}^{c} = {power}. "
        "So x = {power} + {a} = {answer}.",
        program="a = {a}\nb = {b}\nc = {c}\nprint(b ** c + a)",
        proves=lambda v, answer: (Fraction(answer) - v.a) / v.b ** (v.c - 1) == v.b,
    ),
)
