"""Trees of expressions: exact numbers, names, sums, products, quotients, powers and calls."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction
    decimal: bool  # written with a point or an exponent: compared within a tolerance


@dataclass(frozen=True, slots=True)
class Symbol:
    name: str


@dataclass(frozen=True, slots=True)
class Sum:
    terms: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Product:
    factors: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Quotient:
    top: "Node"
    bottom: "Node"


@dataclass(frozen=True, slots=True)
class Power:
    base: "Node"
    exponent: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the table `jz3.answers.tokens.FUNCTIONS`, or root, factorial, binomial."""

    name: str
    arguments: "tuple[Node, ...]"


Node = Number | Symbol | Sum | Product | Quotient | Power | Call

ONE = Number(Fraction(1), decimal=False)
MINUS_ONE = Number(Fraction(-1), decimal=False)


def negative(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(-node.value, node.decimal)
    return Product((MINUS_ONE, node))


def product(factors: "list[Node]") -> Node:
    return factors[0] if len(factors) == 1 else Product(tuple(factors))


def number_node(text: str) -> Number:
    """A written number as its exact value. Raises OverflowError for absurd exponents."""
    if text.isdigit():
        return Number(Fraction(int(text)), decimal=False)
    mantissa, _, exponent = text.lower().partition("e")
    if exponent and (len(exponent) > MAX_EXPONENT_SIGNS or abs(int(exponent)) > MAX_EXPONENT):
        raise OverflowError(f"exponent beyond {MAX_EXPONENT}")
    whole, _, part = mantissa.partition(".")
    value = Fraction(int((whole + part) or "0"), 10 ** len(part))
    if exponent:
        value *= Fraction(10) ** int(exponent)
    return Number(value, decimal=True)


MAX_EXPONENT = 400  # chosen: of `1e400`; double precision ends at 308
MAX_EXPONENT_SIGNS = 100  # chosen: of `1e+0005`; leading zeros mean nothing, and nobody writes so many


def has_decimal(node: Node) -> bool:
    """Whether any number in the tree is written with a point or an exponent."""
    if isinstance(node, Number):
        return node.decimal
    return any(has_decimal(child) for child in children(node))


def has_root(node: Node) -> bool:
    """Whether the tree has a root, or a power with a fractional exponent."""
    if isinstance(node, Call) and node.name == "root":
        return True
    if isinstance(node, Power) and isinstance(node.exponent, Quotient | Number):
        exponent = node.exponent
        if not isinstance(exponent, Number) or exponent.value.denominator != 1:
            return True
    return any(has_root(child) for child in children(node))


def has_modulus(node: Node) -> bool:
    if isinstance(node, Call) and node.name == "abs":
        return True
    return any(has_modulus(child) for child in children(node))


def with_decimal_logarithms(node: Node) -> Node:
    r"""The tree with each `\log` without a base read as the logarithm to base 10."""
    match node:
        case Number() | Symbol():
            return node
        case Sum():
            return Sum(tuple(map(with_decimal_logarithms, node.terms)))
        case Product():
            return Product(tuple(map(with_decimal_logarithms, node.factors)))
        case Quotient():
            return Quotient(with_decimal_logarithms(node.top), with_decimal_logarithms(node.bottom))
        case Power():
            return Power(with_decimal_logarithms(node.base), with_decimal_logarithms(node.exponent))
        case Call():
            name = "lg" if node.name == "log" else node.name
            return Call(name, tuple(map(with_decimal_logarithms, node.arguments)))


def symbols(node: Node) -> frozenset[str]:
    r"""The names in a tree, including constants (`\pi`, `e`, `i`)."""
    if isinstance(node, Symbol):
        return frozenset((node.name,))
    return frozenset(name for child in children(node) for name in symbols(child))


def children(node: Node) -> "tuple[Node, ...]":
    if isinstance(node, Sum):
        return node.terms
    if isinstance(node, Product):
        return node.factors
    if isinstance(node, Quotient):
        return (node.top, node.bottom)
    if isinstance(node, Power):
        return (node.base, node.exponent)
    if isinstance(node, Call):
        return node.arguments
    return ()
