"""What an answer can be: a number, an expression, a set, an interval, a relation, words and so on."""

from dataclasses import dataclass

from jz3.answers.tree import Node


@dataclass(frozen=True, slots=True)
class Scalar:
    """A number or expression, perhaps with a unit. `node` is None if the grammar cannot read it."""

    text: str
    node: Node | None
    unit: str
    percent: bool


@dataclass(frozen=True, slots=True)
class Words:
    text: str


@dataclass(frozen=True, slots=True)
class Choice:
    letter: str
    content: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Ordered parts in brackets: a tuple, a point, an interval with its ends."""

    opening: str
    closing: str
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """Parts without an order: a bare list, a set in braces, the two solutions of a plus-minus."""

    parts: tuple[str, ...]
    braces: bool


@dataclass(frozen=True, slots=True)
class Union:
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """`parts[0] operators[0] parts[1] ...`; operators are = != < <= > >= in and ~."""

    parts: tuple[str, ...]
    operators: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Pieces:
    """A piecewise function: each value with its condition."""

    values: tuple[str, ...]
    conditions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Residue:
    r"""A residue class, such as `3 \pmod 5`: residue and modulus."""

    value: str
    modulus: str


@dataclass(frozen=True, slots=True)
class Ratio:
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day: hour, minute, second as written; `half` is am, pm or empty."""

    hour: int
    minute: int
    second: int
    half: str


@dataclass(frozen=True, slots=True)
class Numeral:
    """A numeral with its base, such as 52_8."""

    digits: str
    base: int


Answer = (
    Scalar
    | Words
    | Choice
    | Sequence
    | Collection
    | Union
    | Relation
    | Matrix
    | Pieces
    | Residue
    | Ratio
    | Clock
    | Numeral
)
