r"""Vectors in terms of unit vectors: the components of `3\mathbf{i} - \mathbf{j}`."""

from fractions import Fraction

from jz3.answers.exact import UndefinedError
from jz3.answers.tree import Node, Number, Product, Quotient, Sum, Symbol, product, symbols
from jz3.answers.values import Tolerance, same_value

UNITS = ("\\vec i", "\\vec j", "\\vec k")
_ZERO = Number(Fraction(0), decimal=False)


def components(node: Node) -> tuple[Node, ...] | None:
    """Two components, or three if k occurs; None if the tree is no sum of multiples of unit vectors."""
    names = symbols(node)
    if not names & {"\\vec i", "\\vec j", "\\vec k"}:
        return None
    terms: dict[str, list[Node]] = {unit: [] for unit in UNITS}
    if not _collect(node, [], terms):
        return None
    count = 3 if "\\vec k" in names else 2
    return tuple(_sum(terms[unit]) for unit in UNITS[:count])


def same_components(parts: tuple[Node, ...], cells: list[Node | None], tolerance: Tolerance) -> bool:
    """Whether components are those of a column; a column of three that ends with 0 equals one of two."""
    if len(cells) not in (len(parts), len(parts) + 1):
        return False
    padded = [*parts, *[_ZERO] * (len(cells) - len(parts))]
    try:
        return all(
            cell is not None and same_value(part, cell, tolerance)[0]
            for part, cell in zip(padded, cells, strict=True)
        )
    except UndefinedError:
        return False


def _sum(terms: list[Node]) -> Node:
    return Sum(tuple(terms)) if len(terms) > 1 else terms[0] if terms else _ZERO


def _collect(node: Node, factors: list[Node], terms: dict[str, list[Node]]) -> bool:
    """Add the terms of a tree, times the factors around it, to their unit vectors."""
    match node:
        case Symbol() if node.name in terms:
            terms[node.name].append(product(factors or [Number(Fraction(1), decimal=False)]))
            return True
        case Sum():
            return all(_collect(term, factors, terms) for term in node.terms)
        case Quotient():
            one = Number(Fraction(1), decimal=False)
            return _collect(node.top, [*factors, Quotient(one, node.bottom)], terms)
        case Product():
            holding = [place for place, factor in enumerate(node.factors) if symbols(factor) & set(terms)]
            if len(holding) != 1:
                return False
            others = [factor for place, factor in enumerate(node.factors) if place != holding[0]]
            return _collect(node.factors[holding[0]], [*factors, *others], terms)
        case _:
            return False
