"""The page around the sections, and the stamp that a copy of it may have."""

import base64
import hashlib
from dataclasses import dataclass

from markupsafe import Markup

from jz3.core.errors import UserError
from jz3.report.rendering import render, source

REPORT = "Report of a run"
TITLE = f"<title>{REPORT}: jz3</title>"
LEAD = "From passages to grades: every stage, every row that was dropped, and what came of it."
STAMP = Markup("<!-- stamp -->")
"""Where a copy has date and commit; the stage's page has neither, so that its bytes are reproducible."""


class StampError(UserError):
    """A page is not ours, or is already stamped."""


@dataclass(frozen=True)
class Section:
    """A part of the page under its heading; `id` is the address of the heading."""

    id: str
    title: str
    note: Markup
    content: Markup


def whole_page(sections: list[Section], heading: str = REPORT, lead: str = LEAD) -> str:
    """The whole document; at most one of its sections may show rows."""
    script = source("rows.js")
    return render(
        "page.html",
        heading=heading,
        lead=lead,
        policy=policy(script),
        style=Markup(source("style.css")),
        script=Markup(script),
        stamp=STAMP,
        sections=sections,
    )


def policy(script: str) -> str:
    """A policy: nothing is fetched, and only this script runs, whatever a model wrote."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'"


def stamped(page: str, text: str) -> str:
    """The page with a line that says when it was copied and from which commit. Raises StampError."""
    if page.count(STAMP) != 1:
        raise StampError(
            "the page has no place for a stamp; a report as the stage leaves it was expected. "
            "Run `dvc repro report`."
        )
    return page.replace(STAMP, render("paragraph.html", text=text, name="stamp"))
