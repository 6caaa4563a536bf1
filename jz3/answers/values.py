"""Values of expressions: exact, modulo a prime, and numeric; and whether two expressions are the same.

Order of the proofs, cheapest first:
1. both are rational numbers: exact fractions;
2. both are rational in their letters: one evaluation at random residues modulo a prime of 255 bits
   (Schwartz-Zippel: a wrong "same" has a chance below 2^-200; π and e count as letters, i as a root of -1);
3. else complex floating point at five points of fixed seeds, and where these agree to 1e-6 and no decimal
   is written, 50 digits of mpmath at the same points.
An undefined value (division by zero, a number too large) is equal to nothing.
"""

import cmath
import math
from dataclasses import dataclass
from fractions import Fraction
from hashlib import blake2b
from typing import Any

from jz3.answers.expressions import (
    Call,
    Node,
    Number,
    Power,
    Product,
    Quotient,
    Sum,
    Symbol,
    has_decimal,
    symbols,
)

PRIME = 2**255 - 19  # 1 modulo 4, so that -1 has a root
IMAGINARY = pow(2, (PRIME - 1) // 4, PRIME)
MAX_BITS = 200_000  # chosen: 2^2005 and 100! are exact, 9^9^9 is not
NUM_POINTS = 5
CONSTANTS = frozenset(("\\pi", "e", "i"))
EXACT_DIGITS = 50
EXACT_TOLERANCE = 1e-30  # of the 50-digit stage; rounding there stays far below


Value = Any  # complex, or mpmath's mpc: arithmetic, `real`, `imag`


class UndefinedError(ArithmeticError):
    """Division by zero, infinity, or beyond the limits."""


class OutsideError(ArithmeticError):
    """The expression is not of this domain (not rational)."""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may lie apart where at least one is written as a decimal.

    Whole numbers, and exact forms such as fractions and roots, are never compared within a tolerance.
    """

    absolute: float  # where one side is whole
    relative: float  # else


def exact_value(node: Node) -> Fraction | None:
    """The rational number that the expression is, or None if it is not seen to be one.

    Raises UndefinedError for a division by zero.
    """
    try:
        return _exact(node)
    except OutsideError:
        return None


def _exact(node: Node) -> Fraction:
    match node:
        case Number():
            return node.value
        case Sum():
            return sum((_exact(term) for term in node.terms), Fraction(0))
        case Product():
            value = Fraction(1)
            for factor in node.factors:
                value *= _exact(factor)
            return _bounded(value)
        case Quotient():
            bottom = _exact(node.bottom)
            if bottom == 0:
                raise UndefinedError("division by zero")
            return _exact(node.top) / bottom
        case Power():
            return _exact_power(_exact(node.base), _exact(node.exponent))
        case Call():
            return _exact_call(node)
        case Symbol():
            raise OutsideError(node.name)


def _bounded(value: Fraction) -> Fraction:
    if value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
        raise OutsideError("too large")
    return value


def _exact_power(base: Fraction, exponent: Fraction) -> Fraction:
    if base == 0 and exponent <= 0:
        raise UndefinedError("zero to a power that is not positive")
    if base in (0, 1):
        return base
    if abs(exponent) > MAX_BITS or exponent.denominator > 64:
        raise OutsideError("exponent too large")
    if exponent.denominator != 1:
        if base < 0:
            raise OutsideError("a root of a negative number")
        base = _exact_root(base, exponent.denominator)
    whole = exponent.numerator
    if (base.numerator.bit_length() + base.denominator.bit_length()) * abs(whole) > MAX_BITS:
        raise OutsideError("too large")
    return base**whole


def _exact_root(value: Fraction, degree: int) -> Fraction:
    sign = -1 if value < 0 else 1
    top = _whole_root(abs(value.numerator), degree)
    bottom = _whole_root(value.denominator, degree)
    if top is None or bottom is None or (sign < 0 and degree % 2 == 0):
        raise OutsideError("not a rational root")
    return Fraction(sign * top, bottom)


def _whole_root(value: int, degree: int) -> int | None:
    if degree == 2:
        root = math.isqrt(value)
        return root if root * root == value else None
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle - 1
    return low if low**degree == value else None


def _exact_call(node: Call) -> Fraction:
    arguments = [_exact(argument) for argument in node.arguments]
    first = arguments[0]
    match node.name:
        case "root":
            degree = arguments[1]
            if degree.denominator != 1 or not 1 <= degree <= 64:
                raise OutsideError("degree")
            return _exact_root(first, int(degree))
        case "abs":
            return abs(first)
        case "floor":
            return Fraction(math.floor(first))
        case "ceiling":
            return Fraction(math.ceil(first))
        case "factorial":
            if first.denominator != 1 or not 0 <= first <= 2000:
                raise OutsideError("factorial")
            return Fraction(math.factorial(int(first)))
        case "binomial":
            top, bottom = arguments
            if top.denominator != 1 or bottom.denominator != 1 or not 0 <= bottom <= top <= 5000:
                raise OutsideError("binomial")
            return Fraction(math.comb(int(top), int(bottom)))
        case _:
            raise OutsideError(node.name)


def residue(node: Node, seed: int) -> int:
    """The expression modulo PRIME, each letter at a residue drawn by its name. Raises OutsideError."""
    match node:
        case Number():
            return node.value.numerator * pow(node.value.denominator, -1, PRIME) % PRIME
        case Symbol():
            if node.name == "i":
                return IMAGINARY
            if node.name == "\\infty":
                raise OutsideError(node.name)
            return _draw(node.name, seed) % PRIME
        case Sum():
            return sum(residue(term, seed) for term in node.terms) % PRIME
        case Product():
            value = 1
            for factor in node.factors:
                value = value * residue(factor, seed) % PRIME
            return value
        case Quotient():
            bottom = residue(node.bottom, seed)
            if bottom == 0:
                raise UndefinedError("division by zero")
            return residue(node.top, seed) * pow(bottom, -1, PRIME) % PRIME
        case Power():
            exponent = exact_value(node.exponent)
            if exponent is None or exponent.denominator != 1:
                raise OutsideError("exponent")
            base = residue(node.base, seed)
            if base == 0 and exponent <= 0:
                raise UndefinedError("zero to a power that is not positive")
            return pow(base, int(exponent), PRIME)
        case Call():
            value = exact_value(node)
            if value is None:
                raise OutsideError(node.name)
            return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


def _draw(name: str, seed: int) -> int:
    return int.from_bytes(blake2b(f"{seed} {name}".encode(), digest_size=32).digest(), "big")


def point(names: frozenset[str], seed: int) -> dict[str, float]:
    """A real point for the letters: magnitudes between 0.3 and 3.3, of both signs from the third point on."""
    values: dict[str, float] = {}
    for name in names - CONSTANTS:
        drawn = _draw(name, seed)
        size = 0.3 + 3 * (drawn % 2**40) / 2**40
        values[name] = -size if seed >= 2 and (drawn >> 41) % 2 else size
    return values


class _Floats:
    """Complex double precision."""

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

_FLOATS = _Floats()
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
    if field is _FLOATS and not cmath.isfinite(value):
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
    if name in ("log", "ln"):
        return field.function("log", value)
    if name == "lg":
        return field.function("log", value) / field.function("log", field.number(Fraction(10)))
    if name == "abs":
        return abs(value) + 0 * field.j
    if name == "root":
        return _numeric_root(value, node.arguments[1], at, field)
    raise UndefinedError(f"no value for {name}")


def _numeric_root(value: Value, degree_node: Node, at: dict[str, float], field: Field) -> Value:
    degree = exact_value(degree_node)
    if degree == 2:
        return field.function("sqrt", value)
    if degree is not None and degree.denominator == 1 and degree % 2 and _is_negative(value):
        return -((-value) ** (1 / field.number(degree)))
    return value ** (1 / _numeric(degree_node, at, field))


def same_numbers(a: Fraction, b: Fraction, tolerance: Tolerance) -> bool:
    """The policy for two rational numbers of which at least one is written as a decimal."""
    if a == b:
        return True
    whole_a, whole_b = a.denominator == 1, b.denominator == 1
    if whole_a and whole_b:
        return False
    if whole_a or whole_b:
        return abs(a - b) <= tolerance.absolute
    return abs(a - b) <= Fraction(tolerance.relative) * max(abs(a), abs(b))


def same_value(a: Node, b: Node, tolerance: Tolerance) -> tuple[bool, str]:
    """Whether two expressions are the same, and the rule that says so. Symmetric. Raises UndefinedError."""
    decimal = has_decimal(a) or has_decimal(b)
    first, second = exact_value(a), exact_value(b)
    if first is not None and second is not None:
        if not decimal or first == second:
            return first == second, "number"
        return same_numbers(first, second, tolerance), "tolerance"
    if decimal:
        return _same_at_points(a, b, tolerance), "tolerance"
    try:
        return residue(a, 0) == residue(b, 0), "rational_identity"
    except OutsideError:
        return _same_exactly(a, b), "numeric_identity"


def _same_at_points(a: Node, b: Node, tolerance: Tolerance) -> bool:
    agreed = 0
    names = symbols(a) | symbols(b)
    bound = tolerance.relative
    for seed in range(NUM_POINTS if names - CONSTANTS else 1):
        values = _pair_at(a, b, names, seed)
        if values is None:
            continue
        first, second = values
        if abs(first - second) > bound * max(abs(first), abs(second)):
            return False
        agreed += 1
    if agreed == 0:
        raise UndefinedError("no point at which both are defined")
    return True


def _same_exactly(a: Node, b: Node) -> bool:
    """No decimal is written: floating point refutes, fifty digits confirm."""
    agreed: list[dict[str, float]] = []
    names = symbols(a) | symbols(b)
    if "\\infty" in names:
        return a == b
    for seed in range(NUM_POINTS if names - CONSTANTS else 1):
        values = _pair_at(a, b, names, seed)
        if values is None:
            continue
        first, second = values
        if abs(first - second) > 1e-6 * max(abs(first), abs(second), 1e-6):
            return False
        agreed.append(point(names, seed))
    if not agreed:
        raise UndefinedError("no point at which both are defined")
    field = _fifty_digits()
    for at in agreed:
        first, second = numeric(a, at, field), numeric(b, at, field)
        if abs(first - second) > EXACT_TOLERANCE * max(abs(first), abs(second), 1):
            return False
    return True


def _pair_at(a: Node, b: Node, names: frozenset[str], seed: int) -> tuple[Value, Value] | None:
    """Both values, or None where one is undefined or leaves the real numbers without being told to."""
    at = point(names, seed)
    try:
        first, second = numeric(a, at, _FLOATS), numeric(b, at, _FLOATS)
    except UndefinedError:
        return None
    if "i" not in names and len(names - CONSTANTS) > 0:
        real = [abs(value.imag) <= 1e-9 * (1 + abs(value)) for value in (first, second)]
        if real[0] != real[1]:
            return None
    return first, second


def proportion(a: Node, b: Node) -> int | None:
    """The sign of c if a = c b with a constant number c other than 0, else None. Raises UndefinedError.

    Two equations, or inequalities, say the same if the differences of their sides are proportional.
    """
    names = symbols(a) | symbols(b)
    if not names - CONSTANTS or "\\infty" in names:
        return None
    try:
        proportional = _constant_residue_ratio(a, b)
    except OutsideError:
        proportional = True  # the digits decide
        if not _constant_ratio(a, b, names):
            return None
    return _sign_of_ratio(a, b, names) if proportional else None


def _constant_residue_ratio(a: Node, b: Node) -> bool:
    pairs = [(residue(a, seed), residue(b, seed)) for seed in (0, 1)]
    (first_a, first_b), (second_a, second_b) = pairs
    if 0 in (first_a, first_b, second_a, second_b):
        return False
    return first_a * second_b % PRIME == second_a * first_b % PRIME


def _constant_ratio(a: Node, b: Node, names: frozenset[str]) -> bool:
    field = _fifty_digits()
    ratios: list[Value] = []
    for seed in range(NUM_POINTS):
        at = point(names, seed)
        if _pair_at(a, b, names, seed) is None:
            continue
        bottom = numeric(b, at, field)
        if abs(bottom) < EXACT_TOLERANCE:
            return False
        ratios.append(numeric(a, at, field) / bottom)
    if len(ratios) < 2:
        raise UndefinedError("no points at which both are defined")
    return all(abs(ratio - ratios[0]) <= EXACT_TOLERANCE * abs(ratios[0]) for ratio in ratios)


def _sign_of_ratio(a: Node, b: Node, names: frozenset[str]) -> int | None:
    for seed in range(NUM_POINTS):
        values = _pair_at(a, b, names, seed)
        if values is None or values[1] == 0:
            continue
        ratio = values[0] / values[1]
        if abs(ratio.imag) > 1e-9 * abs(ratio):
            return None
        return 1 if ratio.real > 0 else -1
    raise UndefinedError("no point at which both are defined")


def _fifty_digits() -> _Digits:
    if not _digits:
        _digits.append(_Digits())
    return _digits[0]
