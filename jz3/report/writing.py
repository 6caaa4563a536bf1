"""Problems, solutions and passages as markup: Markdown with drawn mathematics, code unchanged.

markdown-it reads the Markdown, without links, images and HTML: a text adds no address to the page.
"""

import re
from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

from jz3.report.mathematics import pieces, with_mathematics
from jz3.report.rendering import joined, paragraph, printable, render

_FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)
OFF = [
    "link",
    "image",
    "autolink",
    "reference",
    "html_block",
    "html_inline",
    "entity",
    "code",
    "fence",
    "lheading",
]
"""Rules of markdown-it that are off: links, markup, and indents or lines that mean nothing here."""
_PRIVATE = re.compile("[\ue000-\ue003]")
_MARK = "\ue000{}\ue001"
_MARKED = re.compile("\ue000(\\d+)\ue001")

# A star of a product or power, not of emphasis: single and not that of a list, or double between operands.
_TIMES = re.compile(r"(?<!\*)(?<!^)(?<!\n)\*(?!\*)")
_POWER = re.compile(r"(?<=[\w)\]}])\*\*(?=[\w(\[{-])")


def written(text: str, output: str = "output") -> Markup:
    """A text with its code blocks in monospace; `output` is the label of output blocks."""
    parts: list[Markup] = []
    place = 0
    for block in _FENCE.finditer(text):
        parts.append(prose(text[place : block.start()]))
        is_output = block[1] == "output"
        name, label = ("output", output) if is_output else ("program", "program")
        parts.append(render("block.html", name=name, label=label, text=block[2].rstrip("\n")))
        place = block.end()
    return joined([*parts, prose(text[place:])])


def prose(text: str) -> Markup:
    """Markdown with its formulas drawn; line ends are kept."""
    plain = _PRIVATE.sub("\ufffd", printable(text))
    formulas: list[Markup] = []
    marked: list[str] = []
    for piece in pieces(plain):
        if isinstance(piece, Markup):
            marked.append(_MARK.format(len(formulas)))
            formulas.append(piece)
        else:
            marked.append(_TIMES.sub("\ue002", _POWER.sub("\ue003", piece)))
    html = _markdown().render("".join(marked)).replace("\ue002", "*").replace("\ue003", "**")
    return Markup(_MARKED.sub(lambda found: formulas[int(found[1])], html))


def paragraphs(text: str) -> Markup:
    """Paragraphs separated by blank lines; only formulas are interpreted in them."""
    parts = (piece.strip() for piece in re.split(r"\n\s*\n", text))
    return joined(paragraph(with_mathematics(part)) for part in parts if part)


def count(value: float) -> str:
    """A number such as `12,345`."""
    return f"{value:,}"


def per_cent(share: float | None) -> str:
    """A share such as `81.7 %`; null means that it was not measured."""
    return "not measured" if share is None else f"{100 * share:.1f} %"


@cache
def _markdown() -> MarkdownIt:
    """A Markdown reader that turns headings of a text, which are not the page's, into bold paragraphs."""
    reader = (
        MarkdownIt("commonmark", {"html": False, "breaks": True, "xhtmlOut": False})
        .enable("table")
        .disable(OFF)
    )
    reader.add_render_rule("heading_open", lambda *_: "<p><strong>")
    reader.add_render_rule("heading_close", lambda *_: "</strong></p>\n")
    return reader
