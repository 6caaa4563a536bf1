"""Drawings by matplotlib as SVG inside the page, with colours from the page's style.

The bytes depend on neither machine nor clock: identifiers come from a fixed salt, no metadata are written,
the settings are matplotlib's own defaults, and text stays text, measured with the font that matplotlib
includes.
"""

import re
from collections.abc import Generator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING

from markupsafe import Markup

from jz3.report.rendering import escaped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Placeholder colours; each becomes the variable of the page's style that it represents.
INK, SOFT, LINE, PANEL = "#010101", "#020202", "#030303", "#040404"
ONE, TWO, THREE, FOUR = "#050505", "#060606", "#070707", "#080808"
SERIES = (ONE, TWO, THREE, FOUR)
DASHES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
"""Used together with colours, so that lines can be distinguished in grey, too."""

_VARIABLES = {
    INK: "var(--ink)",
    SOFT: "var(--soft)",
    LINE: "var(--line)",
    PANEL: "var(--panel)",
    ONE: "var(--blue)",
    TWO: "var(--orange)",
    THREE: "var(--green)",
    FOUR: "var(--purple)",
}
_DEFINED = re.compile(r'\bid="([^"]+)"|(?:xlink:)?href="#([^"]+)"|url\(#([^)]+)\)')
_OPENING = re.compile(r"<svg [^>]*?viewBox=\"([^\"]+)\"[^>]*>")
_GLOBAL_STYLE = re.compile(r"<defs>\s*<style type=\"text/css\">.*?</style>\s*</defs>", re.DOTALL)


@contextmanager
def drawing(width: float, height: float) -> "Generator[Figure]":
    """A figure of this size in inches, under settings that no file of the user changes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(
            {
                "svg.hashsalt": "jz3",
                "svg.fonttype": "none",
                "font.family": "DejaVu Sans",
                "font.size": 9,
                "text.color": INK,
                "axes.edgecolor": LINE,
                "axes.facecolor": "none",
                "axes.labelcolor": INK,
                "axes.spines.top": False,
                "axes.spines.right": False,
                "figure.facecolor": "none",
                "grid.color": LINE,
                "grid.linewidth": 0.6,
                "xtick.color": SOFT,
                "ytick.color": SOFT,
                "legend.frameon": False,
                "path.simplify": False,
            }
        )
        yield Figure(figsize=(width, height), layout="constrained")


def markup(figure: "Figure", name: str, label: str, look: str = "plot") -> Markup:
    """The figure as an element `svg` with the CSS classes `look`.

    `name` distinguishes its identifiers from those of other figures on the page.
    """
    written = StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(written, format="svg", metadata=nothing)
    svg = _GLOBAL_STYLE.sub("", written.getvalue())
    opening = _OPENING.search(svg)
    assert opening, "matplotlib wrote no svg"
    body = svg[opening.end() :].strip()
    for colour, variable in _VARIABLES.items():
        body = body.replace(colour, variable)
    body = body.replace("'DejaVu Sans'", "inherit").replace("DejaVu Sans", "inherit")
    body = _DEFINED.sub(lambda found: _renamed(found, name), body)
    head = (
        f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="{opening[1]}" class="{look}" role="img" '
        f'aria-label="{escaped(label)}">'
    )
    return Markup(head + body)


def _renamed(found: re.Match[str], name: str) -> str:
    old = next(group for group in found.groups() if group)
    return found[0].replace(old, f"{name}-{old}")
