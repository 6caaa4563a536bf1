"""Markup by construction: whatever is not `Html` is escaped when it enters an element.

Text that models wrote can therefore never run: `element("p", "<script>")` shows the tag and does not hold
one. Joining `Html` with plain text by `+` or in an f-string gives plain text, which is escaped again: a
mistake is seen on the page, it is no hole.
"""

import html
import re
from collections.abc import Iterable, Mapping, Sequence

VOID = frozenset({"br", "meta"})
"""Elements that have no end tag."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


class Html(str):
    """Markup that may stand in the page as it is."""

    __slots__ = ()


def escaped(text: str) -> Html:
    """Text as markup; characters that HTML forbids become the replacement character."""
    return text if isinstance(text, Html) else Html(html.escape(_CONTROL.sub("\ufffd", text)))


def joined(parts: Iterable[str], between: str = "") -> Html:
    """Parts one after the other; those that are no markup are escaped."""
    return Html(escaped(between).join(escaped(part) for part in parts))


def element(tag: str, *children: str, attributes: Mapping[str, str | float] | None = None) -> Html:
    """An element; its attributes and its children (but those that are Html) are escaped."""
    given = attributes or {}
    assert all(_NAME.fullmatch(name) for name in (tag, *given)), f"no names of markup: {tag!r}, {given!r}"
    opening = "".join(f' {name}="{escaped(str(value))}"' for name, value in given.items())
    if tag in VOID:
        return Html(f"<{tag}{opening}>")
    return Html(f"<{tag}{opening}>{joined(children)}</{tag}>")


def classed(tag: str, name: str, *children: str) -> Html:
    """An element of a CSS class."""
    return element(tag, *children, attributes={"class": name})


def table(head: Sequence[str], rows: Iterable[Sequence[str]], numbers: frozenset[str] = frozenset()) -> Html:
    """A table that scrolls in itself where the page is narrow; columns named in `numbers` stand right."""

    def line(tag: str, cells: Sequence[str]) -> Html:
        assert len(cells) == len(head), f"{len(cells)} cells for the columns {head}"
        return element(
            "tr",
            *(
                classed(tag, "number", cell) if name in numbers else element(tag, cell)
                for name, cell in zip(head, cells, strict=True)
            ),
        )

    body = joined(line("td", row) for row in rows)
    return classed(
        "div", "scroll", element("table", element("thead", line("th", head)), element("tbody", body))
    )


def folded(summary: str, *content: str) -> Html:
    """Content that opens on a click."""
    return element("details", element("summary", summary), *content)
