"""Rows as cards on a page, with a form that searches, filters and sorts them.

`templates/rows.js` reads the form; without it the form is hidden and every card is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from jz3.report.rendering import render


@dataclass(frozen=True)
class Card:
    """A row as it is shown. `keys` has what it is filtered and sorted by: values of choices and orders."""

    head: str
    body: str
    keys: Mapping[str, str]
    note: str = ""
    id: str = ""
    """Where links lead; empty where none does."""

    @property
    def article(self) -> Markup:
        """The card as an element of the page."""
        return render("card.html", card=self)


@dataclass(frozen=True)
class Group:
    """Cards under a heading; without a title there is none. `id` is the address of the heading."""

    cards: Sequence[Card]
    title: str = ""
    note: str = ""
    id: str = ""


@dataclass(frozen=True)
class Choice:
    """A filter: cards whose key of this name is the chosen option. Options are labels by key."""

    name: str
    label: str
    options: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Order:
    """What cards can be sorted by: their key of this name, as number or text; cards without it last."""

    name: str
    label: str
    numeric: bool


def rows_section(
    note: str, groups: Sequence[Group], choices: Sequence[Choice], orders: Sequence[Order] = ()
) -> Markup:
    """The form and the groups below it; a page holds one such section."""
    return render("rows.html", note=note, groups=groups, choices=choices, orders=orders)
