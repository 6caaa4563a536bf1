"""Values of expressions: exact, modulo a prime, and numeric; and whether two expressions are the same.

The proofs, cheapest first: 1. both are rational numbers: exact fractions; 2. both are rational in their
letters: one evaluation at random residues modulo a prime of 255 bits (Schwartz-Zippel: the probability of a
wrong "same" is below 2^-200; π and e count as letters, i as a root of -1); 3. otherwise complex floating
point at five points from fixed seeds and, if these agree to 1e-6 and there is no decimal, 50 digits of mpmath
at the same points. An undefined value (division by zero, a number too large) is equal to nothing.
"""

from dataclasses import dataclass
from fractions import Fraction

from jz3.answers.exact import PRIME, OutsideError, UndefinedError, exact_value, residue
from jz3.answers.numeric import CONSTANTS, FLOATS, REAL_FLOATS, Value, fifty_digits, numeric, point
from jz3.answers.tree import Node, has_decimal, has_modulus, has_root, symbols

NUM_POINTS = 5
EXACT_TOLERANCE = 1e-30  # for the 50-digit stage, whose rounding stays far below


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two numbers may differ if at least one is written as a decimal.

    Whole numbers, and exact forms such as fractions and roots, are never compared within a tolerance.
    """

    absolute: float  # if one side is whole
    relative: float  # otherwise
    most: float  # if neither is whole, however large the numbers are


def same_numbers(a: Fraction, b: Fraction, tolerance: Tolerance) -> bool:
    """Whether two rational numbers, at least one of which is written as a decimal, are equal by the
    policy.
    """
    if a == b:
        return True
    whole_a, whole_b = a.denominator == 1, b.denominator == 1
    if (whole_a and whole_b) or a == 0 or b == 0:
        return False
    if whole_a or whole_b:
        return abs(a - b) <= tolerance.absolute
    bound = Fraction(tolerance.relative) * max(abs(a), abs(b))
    return abs(a - b) <= min(bound, Fraction(tolerance.most))


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
    for first, second, _ in _pairs(a, b):
        if abs(first - second) > tolerance.relative * max(abs(first), abs(second)):
            return False
        agreed += 1
    if agreed == 0:
        raise UndefinedError("no point at which both are defined")
    return True


def _same_exactly(a: Node, b: Node) -> bool:
    """Compare without decimals: floating point refutes, fifty digits confirm."""
    agreed: list[dict[str, float]] = []
    if "\\infty" in symbols(a) | symbols(b):
        return a == b
    for first, second, at in _pairs(a, b):
        if abs(first - second) > 1e-6 * max(abs(first), abs(second), 1e-6):
            return False
        agreed.append(at)
    if not agreed:
        raise UndefinedError("no point at which both are defined")
    field = fifty_digits()
    for at in agreed:
        first, second = numeric(a, at, field), numeric(b, at, field)
        if abs(first - second) > EXACT_TOLERANCE * max(abs(first), abs(second), 1):
            return False
    return True


def _pairs(a: Node, b: Node) -> list[tuple[Value, Value, dict[str, float]]]:
    r"""Both values at each point where both are defined, and the point.

    School mathematics is about real numbers: `\sqrt{xy}` is `\sqrt x\sqrt y` wherever both sides are real.
    Complex values are compared only if that is so at none of the points. Several letters under roots are
    quantities and positive: `\sqrt{a^2 b}` is `a\sqrt b`, while `\sqrt{x^2}` is not x.
    """
    names = symbols(a) | symbols(b)
    free = names - CONSTANTS
    positive = len(free) > 1 and (has_root(a) or has_root(b)) and not (has_modulus(a) or has_modulus(b))
    points = [point(names, seed, positive=positive) for seed in range(NUM_POINTS if free else 1)]
    if free and "i" not in names:
        real: list[tuple[Value, Value, dict[str, float]]] = []
        for at in points:
            try:
                real.append((numeric(a, at, REAL_FLOATS), numeric(b, at, REAL_FLOATS), at))
            except UndefinedError:
                continue
        if real:
            return real
    pairs = [(_pair_at(a, b, names, at), at) for at in points]
    return [(*values, at) for values, at in pairs if values is not None]


def _pair_at(a: Node, b: Node, names: frozenset[str], at: dict[str, float]) -> tuple[Value, Value] | None:
    """Both values, or None if one is undefined, or is not real although nothing says so."""
    try:
        first, second = numeric(a, at, FLOATS), numeric(b, at, FLOATS)
    except UndefinedError:
        return None
    if "i" not in names and len(names - CONSTANTS) > 0:
        real = [abs(value.imag) <= 1e-9 * (1 + abs(value)) for value in (first, second)]
        if real[0] != real[1]:
            return None
    return first, second


def proportion(a: Node, b: Node) -> int | None:
    """The sign of c if a = c b with a constant c other than 0, else None. Raises UndefinedError.

    Two equations or inequalities are the same if the differences of their sides are proportional.
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
    field = fifty_digits()
    ratios: list[Value] = []
    for seed in range(NUM_POINTS):
        at = point(names, seed)
        if _pair_at(a, b, names, at) is None:
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
        values = _pair_at(a, b, names, point(names, seed))
        if values is None or values[1] == 0:
            continue
        ratio = values[0] / values[1]
        if abs(ratio.imag) > 1e-9 * abs(ratio):
            return None
        return 1 if ratio.real > 0 else -1
    raise UndefinedError("no point at which both are defined")
