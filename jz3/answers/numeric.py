"""Numeric values of expressions at random points: complex double precision, or fifty digits of mpmath."""

import cmath
import math
from fractions import Fraction
from typing import Any

from jz3.answers.exact import UndefinedError, draw, exact_value
from jz3.answers.tree import Call, Node, Number, Power, Product, Quotient, Sum, Symbol

CONSTANTS = frozenset(("\\pi", "e", "i"))
EXACT_DIGITS = 50

Value = Any  # complex, or mpmath's mpc: arithmetic, `real`, `imag`


def point(names: frozenset[str], seed: int, *, positive: bool = False) -> dict[str, float]:
    """A real point for the letters: magnitudes from 0.3 to 3.3, with both signs from the third point on."""
    values: dict[str, float] = {}
    for name in names - CONSTANTS:
        drawn = draw(name, seed)
        size = 0.3 + 3 * (drawn % 2**40) / 2**40
        values[name] = -size if not positive and seed >= 2 and (drawn >> 41) % 2 else size
    return values


class _Floats:
    """Complex double precision. With `real`, a root or logarithm of a negative number has no value."""

    def __init__(self, *, real: bool = False) -> None:
        self.real = real

    pi: Any = math.pi
    e: Any = math.e
    j: Any = 1j

    @staticmethod
    def number(value: Fraction) -> Value:
        return complex(value)

    @staticmethod
    def function(name: str, value: Value) -> Value:
        if name == "gamma":
            if value.imag:
                raise ValueError("factorial of a complex number")
            return complex(math.gamma(value.real))
        return getattr(cmath, name)(value)


class _Digits:
    """Fifty digits. Imported on first use (40 ms)."""

    real = False

    def __init__(self) -> None:
        from mpmath.ctx_mp import MPContext

        self.context: Any = MPContext()
        self.context.dps = EXACT_DIGITS
        self.pi: Any = +self.context.pi
        self.e: Any = +self.context.e
        self.j: Any = self.context.j

    def number(self, value: Fraction) -> Value:
        return self.context.mpc(self.context.mpf(value.numerator) / value.denominator)

    def function(self, name: str, value: Value) -> Value:
        return getattr(self.context, name)(value)


Field = _Floats | _Digits

FLOATS = _Floats()
REAL_FLOATS = _Floats(real=True)
_digits: list[_Digits] = []

_DIRECT = frozenset(["exp", "sin", "cos", "tan", "sinh", "cosh", "tanh"])
_ARCS = {"arcsin": "asin", "arccos": "acos", "arctan": "atan"}
_RECIPROCALS = {"cot": "tan", "sec": "cos", "csc": "sin"}


def numeric(node: Node, at: dict[str, float], field: "Field") -> Value:
    """The complex value at a point. Raises UndefinedError."""
    try:
        value = _numeric(node, at, field)
    except (ZeroDivisionError, OverflowError, ValueError) as error:
        raise UndefinedError(str(error)) from error
    if isinstance(field, _Floats) and not cmath.isfinite(value):
        raise UndefinedError("not finite")
    return value


def _numeric(node: Node, at: dict[str, float], field: Field) -> Value:
    match node:
        case Number():
            return field.number(node.value)
        case Symbol():
            return _constant(node.name, at, field)
        case Sum():
            total = _numeric(node.terms[0], at, field)
            for term in node.terms[1:]:
                total = total + _numeric(term, at, field)
            return total
        case Product():
            value = _numeric(node.factors[0], at, field)
            for factor in node.factors[1:]:
                value = value * _numeric(factor, at, field)
            return value
        case Quotient():
            return _numeric(node.top, at, field) / _numeric(node.bottom, at, field)
        case Power():
            return _numeric_power(node, at, field)
        case Call():
            return _numeric_call(node, at, field)


def _constant(name: str, at: dict[str, float], field: Field) -> Value:
    if name == "\\pi":
        return field.pi + 0 * field.j
    if name == "e":
        return field.e + 0 * field.j
    if name == "i":
        return field.j
    return field.number(Fraction(at[name]))


def _numeric_power(node: Power, at: dict[str, float], field: Field) -> Value:
    exponent = exact_value(node.exponent)
    base = _numeric(node.base, at, field)
    if exponent is not None and exponent.denominator == 1 and abs(exponent) < 10**6:
        return base ** int(exponent)
    if exponent is not None and exponent.denominator % 2 and exponent.denominator < 64 and _is_negative(base):
        return (
            -((-base) ** field.number(exponent))
            if exponent.numerator % 2
            else (-base) ** field.number(exponent)
        )
    _leave_reals(base, field)
    power = _numeric(node.exponent, at, field)
    if abs(power) > 10**6:
        raise UndefinedError("exponent too large")
    return base**power


def _is_negative(value: Value) -> bool:
    return value.imag == 0 and value.real < 0


def _numeric_call(node: Call, at: dict[str, float], field: Field) -> Value:
    exact = exact_value(node) if node.name in ("factorial", "binomial", "floor", "ceiling") else None
    if exact is not None:
        return field.number(exact)
    value = _numeric(node.arguments[0], at, field)
    name = node.name
    if name == "factorial":
        return field.function("gamma", value + 1)
    if name == "binomial":
        chosen = _numeric(node.arguments[1], at, field)
        below = field.function("gamma", chosen + 1) * field.function("gamma", value - chosen + 1)
        return field.function("gamma", value + 1) / below
    if name in _DIRECT:
        return field.function(name, value)
    if name in _ARCS:
        return field.function(_ARCS[name], value)
    if name in _RECIPROCALS:
        return 1 / field.function(_RECIPROCALS[name], value)
    if name in ("log", "ln", "lg"):
        _leave_reals(value, field)
    if name in ("log", "ln"):
        return field.function("log", value)
    if name == "lg":
        return field.function("log", value) / field.function("log", field.number(Fraction(10)))
    if name == "abs":
        return abs(value) + 0 * field.j
    if name in ("floor", "ceiling") and value.imag == 0:
        nearest = math.floor(value.real) if name == "floor" else math.ceil(value.real)
        return field.number(Fraction(nearest))
    if name == "mod":
        divisor = _numeric(node.arguments[1], at, field)
        if value.imag == 0 and divisor.imag == 0:
            return value - divisor * math.floor(value.real / divisor.real)
    if name == "root":
        return _numeric_root(value, node.arguments[1], at, field)
    raise UndefinedError(f"no value for {name}")


def _numeric_root(value: Value, degree_node: Node, at: dict[str, float], field: Field) -> Value:
    degree = exact_value(degree_node)
    if degree == 2:
        _leave_reals(value, field)
        return field.function("sqrt", value)
    if degree is not None and degree.denominator == 1 and degree % 2 and _is_negative(value):
        return -((-value) ** (1 / field.number(degree)))
    _leave_reals(value, field)
    return value ** (1 / _numeric(degree_node, at, field))


def _leave_reals(value: Value, field: Field) -> None:
    if field.real and _is_negative(value):
        raise UndefinedError("leaves the real numbers")


def fifty_digits() -> _Digits:
    if not _digits:
        _digits.append(_Digits())
    return _digits[0]
