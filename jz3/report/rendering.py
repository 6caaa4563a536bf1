"""Markup by jinja2 templates, which escape everything that is not markup already.

So text that models wrote can never run: a template shows `<script>` as text. A name that a template uses but
nobody supplied is an error. The templates are in `templates/` beside this module.
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
    """A file of `templates/` unchanged: the style of the page, its script."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def escaped(text: str) -> Markup:
    """Text as markup; characters that HTML forbids become the replacement character."""
    return escape(printable(text))


def printable(text: str) -> str:
    """Text with the replacement character for what HTML forbids; markup is unchanged."""
    return text if isinstance(text, Markup) else _CONTROL.sub("\ufffd", text)


def joined(parts: Iterable[str], between: str = "") -> Markup:
    """Parts joined; those that are no markup are escaped."""
    return Markup(between).join(escaped(part) for part in parts)


def table(
    caption: str,
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    numbers: frozenset[str] = frozenset(),
) -> Markup:
    """A table that scrolls within itself if the page is narrow.

    The first cell of a row is its heading; columns named in `numbers` are aligned right.
    """
    lines = [list(row) for row in rows]
    assert all(len(line) == len(head) for line in lines), f"rows of other columns than {head}"
    return render("table.html", caption=caption, head=head, rows=lines, numbers=numbers)


def folded(summary: str, *content: str) -> Markup:
    """Content that opens on a click, and when printed."""
    return render("folded.html", summary=summary, content=joined(content))


def titled(title: str, *content: str) -> Markup:
    """Content under a third-level heading."""
    return render("titled.html", title=title, content=joined(content))


def paragraph(text: str, name: str = "") -> Markup:
    """A paragraph, with a CSS class if one is named."""
    return render("paragraph.html", text=text, name=name)


def code(text: str) -> Markup:
    """A name as it is spelt in files."""
    return Markup("<code>{}</code>").format(printable(text))


def _finalized(value: object) -> object:
    """A template's value as text of printable characters."""
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
