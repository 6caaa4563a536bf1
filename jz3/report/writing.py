"""Problems, solutions and passages as markup: paragraphs with drawn mathematics, code as it stands."""

import re

from jz3.report.markup import Html, classed, element, joined
from jz3.report.mathematics import with_mathematics

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)


def written(text: str) -> Html:
    """A text with its code blocks in monospace; an output block is named."""
    parts: list[Html] = []
    place = 0
    for block in _FENCE.finditer(text):
        parts.append(paragraphs(text[place : block.start()]))
        kind = "output" if block[1] == "output" else "program"
        parts.append(classed("div", f"code {kind}", element("pre", element("code", block[2].rstrip("\n")))))
        place = block.end()
    return joined([*parts, paragraphs(text[place:])])


def paragraphs(text: str) -> Html:
    """Blank lines part paragraphs, other line ends are kept."""
    pieces = (piece.strip() for piece in re.split(r"\n\s*\n", text))
    return joined(element("p", with_mathematics(piece)) for piece in pieces if piece)


def count(value: float) -> str:
    """`12,345`."""
    return f"{value:,}"
