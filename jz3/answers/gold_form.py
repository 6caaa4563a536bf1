"""The kind of answer that a gold answer requires: the only thing about it that extraction may know."""

from functools import lru_cache
from typing import Literal

from jz3.answers.forms import Choice, Clock, Collection, Numeral, Ratio, Scalar, Sequence, Union, Words
from jz3.answers.numeric import CONSTANTS
from jz3.answers.reading import read
from jz3.answers.tree import symbols

Form = Literal["any", "number", "expression", "letter", "set", "tuple", "text"]
MAX_GOLD = 400  # chosen: characters; a longer gold is read as it is


@lru_cache(maxsize=4096)
def form_of(gold: str) -> Form:
    """The form of a gold answer; `any` if it cannot be read."""
    if len(gold) > MAX_GOLD:
        return "any"
    answer = read(gold)[0]
    match answer:
        case Scalar(node=None):
            return "any"
        case Scalar(node=node):
            assert node is not None
            return "expression" if symbols(node) - CONSTANTS else "number"
        case Words():
            return "text"
        case Choice():
            return "letter"
        case Collection() | Union():
            return "set"
        case Sequence():
            return "tuple"
        case Ratio() | Clock() | Numeral():
            return "number"
        case _:
            return "expression"
