"""Rows as cards on a page, with a form to search, filter and sort them.

`templates/rows.js` reads the form; without it the form is hidden and every card is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from jz3.report.rendering import render


@dataclass(frozen=True)
class Card:
    """A row as shown. `keys` has the values by which it is filtered and sorted."""

    head: str
    body: str
    keys: Mapping[str, str]
    note: str = ""
    id: str = ""
    """Target of links; empty if there are none."""

    @property
    def article(self) -> Markup:
        """The card as an element of the page."""
        return render("card.html", card=self)


@dataclass(frozen=True)
class Group:
    """Cards under a heading, which is left out if there is no title. `id` is the address of the heading."""

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
    """A way to sort cards: by their key of this name, as number or text; cards without it come last."""

    name: str
    label: str
    numeric: bool


def rows_section(
    note: str, groups: Sequence[Group], choices: Sequence[Choice], orders: Sequence[Order] = ()
) -> Markup:
    """The form and the groups below it; a page may contain one such section."""
    return render("rows.html", note=note, groups=groups, choices=choices, orders=orders)
