"""Texts of HTML and PDF files, by two libraries that are an extra (`pip install 'jz3[documents]'`).

Beautiful Soup, because it reads any HTML in any encoding, is plain Python, and gives the tree, which is
needed to tell a formula from its rendering. pypdf, because it is plain Python under a BSD licence, is well
maintained, and limits what it decompresses; it gives words in order, but no formulas.
"""

import io
import re
import zlib
from collections.abc import Iterator
from importlib import import_module
from typing import Any

from jz3.raw.row import Odd, RawFileError, whole

NOT_TEXT = ("script", "style", "template", "noscript", "nav", "header", "footer", "form", "head", "svg")
RENDERED = {"katex-html", "MathJax", "MathJax_Preview", "MathJax_Display", "MJX_Assistive_MathML"}
"""Classes of a formula's rendering, whose source is beside it."""
BLOCKS = (
    "p", "div", "section", "article", "li", "tr", "table", "ul", "ol", "dl", "dt", "dd", "blockquote", "pre",
    "br", "h1", "h2", "h3", "h4", "h5", "h6", "figure", "main",
)  # fmt: skip
PDF_ERRORS = (
    ValueError, LookupError, TypeError, AttributeError, RecursionError, ArithmeticError, EOFError, OSError,
)  # fmt: skip
"""Errors that pypdf raises for a damaged file, besides its own."""


def html_text(data: bytes) -> str:
    """The visible text of a page, with blank lines between paragraphs and formulas in dollars."""
    soup = _library("bs4", "beautifulsoup4")
    parts = "".join(_seen(soup.BeautifulSoup(data, "html.parser"), soup.NavigableString)).split("\n\n")
    paragraphs = (" ".join(part.split()) for part in parts)
    return whole("\n\n".join(part for part in paragraphs if part))


def _seen(page: Any, text: type) -> Iterator[str]:  # noqa: ANN401 (of Beautiful Soup)
    """The texts in order, with a blank line around each block; not recursive, because pages nest deeply."""
    waiting: list[Any] = [page]
    while waiting:
        element = waiting.pop()
        if isinstance(element, str):
            if type(element) in (text, str):  # comments and doctypes are of other types
                yield re.sub(r"\s*\n\s*", "\n", element) if type(element) is text else element
            continue
        formula = _formula(element)
        if formula is not None:
            yield formula
        elif element.name not in NOT_TEXT and not set(element.get("class") or ()) & RENDERED:
            block = element.name in BLOCKS
            around = ["\n\n"] if block else []
            waiting += [*around, *reversed(element.contents), *around]


def _formula(element: Any) -> str | None:  # noqa: ANN401 (of Beautiful Soup)
    """The LaTeX of a formula by MathJax, or of MathML that includes it."""
    source, display = None, False
    if element.name == "script" and str(element.get("type")).startswith("math/tex"):
        source, display = element, "display" in element["type"]
    elif element.name == "math":
        source = element.find("annotation", encoding="application/x-tex")
        display = element.get("display") == "block"
    mark = "$$" if display else "$"
    return None if source is None else f"{mark}{source.get_text().strip()}{mark}"


def pdf_text(data: bytes) -> str | Odd:
    """The words of a PDF, page by page; Odd if it contains only images."""
    pypdf = _library("pypdf", "pypdf")
    try:
        pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(data)).pages]
    except (pypdf.errors.PyPdfError, zlib.error, *PDF_ERRORS) as error:
        return Odd("not_pdf", f"{type(error).__name__}: {' '.join(str(error).split())}", "")
    return whole("\n\n".join(page.strip() for page in pages if page.strip()))


def _library(module: str, package: str) -> Any:  # noqa: ANN401 (a module)
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise RawFileError(
            f"HTML and PDF files need {package}, which is not installed; the extra 'documents' was expected. "
            f"`pip install 'jz3[documents]'`, or leave these files out of the patterns."
        ) from error
