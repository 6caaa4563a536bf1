"""Exact values of expressions: a fraction, or a residue modulo a prime with random values for letters."""

import math
from fractions import Fraction
from hashlib import blake2b

from jz3.answers.tree import Call, Node, Number, Power, Product, Quotient, Sum, Symbol

PRIME = 2**255 - 19  # 1 modulo 4, so that -1 has a root
IMAGINARY = pow(2, (PRIME - 1) // 4, PRIME)
MAX_BITS = 20_000  # chosen: 2^2005 and 2000! are exact, 9^9^9 is not; one step takes below a millisecond


class UndefinedError(ArithmeticError):
    """Division by zero, infinity, or beyond the limits."""


class OutsideError(ArithmeticError):
    """The expression is not in this domain (not rational)."""


def exact_value(node: Node) -> Fraction | None:
    """The rational number that an expression equals, or None if that does not show.

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
            total = Fraction(0)
            for term in node.terms:
                total = _bounded(total + _exact(term))
            return total
        case Product():
            value = Fraction(1)
            for factor in node.factors:
                value = _bounded(value * _exact(factor))
            return value
        case Quotient():
            bottom = _exact(node.bottom)
            if bottom == 0:
                raise UndefinedError("division by zero")
            return _bounded(_exact(node.top) / bottom)
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
        case "mod":
            if arguments[1] == 0:
                raise UndefinedError("remainder of a division by zero")
            return first - arguments[1] * math.floor(first / arguments[1])
        case "max" | "min":
            return max(arguments) if node.name == "max" else min(arguments)
        case "gcd" | "lcm":
            if any(argument.denominator != 1 for argument in arguments):
                raise OutsideError(node.name)
            together = math.gcd if node.name == "gcd" else math.lcm
            return _bounded(Fraction(together(*(argument.numerator for argument in arguments))))
        case _:
            raise OutsideError(node.name)


def residue(node: Node, seed: int) -> int:
    """The expression modulo PRIME, with each letter replaced by a residue drawn by its name. Raises
    OutsideError.
    """
    match node:
        case Number():
            return node.value.numerator * pow(node.value.denominator, -1, PRIME) % PRIME
        case Symbol():
            if node.name == "i":
                return IMAGINARY
            if node.name == "\\infty":
                raise OutsideError(node.name)
            return draw(node.name, seed) % PRIME
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
            if base == 0:
                if exponent <= 0:
                    raise UndefinedError("zero to a power that is not positive")
                return 0
            # By Fermat's little theorem; of a factorial as exponent each power would take milliseconds.
            return pow(base, int(exponent) % (PRIME - 1), PRIME)
        case Call():
            value = exact_value(node)
            if value is None:
                raise OutsideError(node.name)
            return value.numerator * pow(value.denominator, -1, PRIME) % PRIME


def draw(name: str, seed: int) -> int:
    return int.from_bytes(
        blake2b(f"{seed} {name}".encode("utf-8", "surrogatepass"), digest_size=32).digest(), "big"
    )
