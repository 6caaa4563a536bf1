"""Markup by jinja2 templates, which escape whatever is not markup already.

Text that models wrote can therefore never run: a template shows `<script>` and does not hold one. A name that
a template uses and nobody gave is an error. The templates lie in `templates/` beside this module.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

TEMPLATES = Path(__file__).parent / "templates"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def render(template: str, **values: object) -> Markup:
    """A template of `templates/` with its values filled in."""
    return Markup(_environment().get_template(template).render(values))


def source(name: str) -> str:
    """A file of `templates/` as it stands: the style of the page, its script."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def escaped(text: str) -> Markup:
    """Text as markup; characters that HTML forbids become the replacement character."""
    return escape(printable(text))


def printable(text: str) -> str:
    """Text in which what HTML forbids is the replacement character; markup as it is."""
    return text if isinstance(text, Markup) else _CONTROL.sub("\ufffd", text)


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Parts one after the other; those that are no markup are escaped."""
    return Markup(between).join(escaped(part) for part in parts)


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: frozenset[str] = frozenset(),
) -> Markup:
    """A table that scrolls in itself where the page is narrow.

    The first cell of a row is its heading; columns named in `numbers` stand right.
    """
    lines = [list(row) for row in rows]
    assert all(len(line) == len(head) for line in lines), f"rows of other columns than {head}"
    return render("table.html", caption=caption, head=head, rows=lines, numbers=numbers)


def folded(summary: str, *content: str) -> Markup:
    """Content that opens on a click, and in print."""
    return render("folded.html", summary=summary, content=joined(content))


def titled(title: str, *content: str) -> Markup:
    """Content under a heading of the third rank."""
    return render("titled.html", title=title, content=joined(content))


def paragraph(text: str, name: str = "") -> Markup:
    """A paragraph, of a CSS class if one is named."""
    return render("paragraph.html", text=text, name=name)


def code(text: str) -> Markup:
    """A name as it is spelt in files."""
    return Markup("<code>{}</code>").format(printable(text))


def _finalized(value: object) -> object:
    """What a template inserts: text of printable characters."""
    return printable(value) if isinstance(value, str) else value


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalized,
        trim_blocks=True,
        lstrip_blocks=True,
    )
