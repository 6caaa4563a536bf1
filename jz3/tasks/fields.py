"""Rows whose fields the parameters name, so that a user's benchmark or instruction set needs no code."""

import math
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from jz3.core.params import Params
from jz3.raw.files import field
from jz3.raw.row import Row
from jz3.text.problem_text import last_boxed


class ItemFields(Params):
    """Fields of a benchmark's rows. A dot leads to a nested field (`meta.topic`)."""

    name: Literal["fields"]
    question: str
    answer: str
    """A number, a text, or a text with `#### 12` or a box. With choices: the letter of the right one, its
    number, or its text.
    """
    choices: str | list[str] | None = Field(default=None)
    """The field with all choices (a list, an object by letter, or one text), or the fields of each; none for
    open questions.
    """
    first_choice: Literal[0, 1] = 0
    """The number of the first choice in answers, if the choices have no numbers of their own."""
    subject: str | None = None
    level: str | None = None


class SolvedFields(Params):
    """Fields of the rows of a target task or an instruction set."""

    name: Literal["fields"]
    question: str
    solution: str
    answer: str | None = None
    """Without it, the answer is the last box of the solution."""
    subject: str | None = None
    kind: Literal["cot", "tool"]
    """The kind of all rows: solved in words, or by a program."""


def needed(row: Row, name: str) -> Any:  # noqa: ANN401 (any JSON)
    """The value of a field that each row must have. Raises KeyError."""
    value = field(row, name)
    if value is None:
        raise KeyError(name)
    return value


def text_of(row: Row, name: str) -> str:
    """The text of a field that each row must have. Raises KeyError or TypeError."""
    value = needed(row, name)
    if not isinstance(value, str):
        message = f"'{name}' is a {type(value).__name__}"
        raise TypeError(message)
    return value.strip()


def noted(row: Row, name: str | None) -> str | None:
    """A field that may be missing, as text; a list is joined with commas."""
    value = field(row, name) if name else None
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    return None if value is None else str(value).strip() or None


def gold_of(value: Any) -> str:  # noqa: ANN401 (any JSON)
    """An answer as text: a number as digits; for a text, what follows `####` or is in its last box; for a
    list, all elements joined with commas.
    """
    match value:
        case bool():
            return str(value)
        case int() | float():
            return number_text(value)
        case Decimal():
            return format(value.normalize(), "f")
        case str():
            if "####" in value:
                return gsm8k_gold(value)
            return (last_boxed(value) or value).strip()
        case list() if value:
            return ", ".join(map(gold_of, value))
        case _:
            message = f"the answer is a {type(value).__name__}"
            raise ValueError(message)


def number_text(value: float) -> str:
    """A number as digits: 145.0 is `145`, and 1e-05 is `0.00001`. Raises ValueError if it is not finite."""
    if not math.isfinite(value):
        message = f"the number is {value}"
        raise ValueError(message)
    return str(int(value)) if value == int(value) else format(Decimal(repr(value)), "f")


def gsm8k_gold(answer: str) -> str:
    """The 1200 in `... #### 1,200`. Raises ValueError if there is no mark."""
    _, mark, gold = answer.rpartition("####")
    if not mark:
        message = "the answer has no '####'"
        raise ValueError(message)
    return gold.strip().replace(",", "")
