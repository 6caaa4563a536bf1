r"""Articles in LaTeX, split at `\section{...}` and `\section*{...}`, whose titles may contain nested braces.

The headings are dropped; text before the first one is a section of its own. Of a text with
`\begin{document}`, only the part from there to `\end{document}` is read.

Commands in comments and in `verbatim` do not count, nor do headings whose brace does not close before the
next heading or blank line.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from jz3.corpus.readers.document import Fields, Section, Unusable
from jz3.corpus.readers.documents import read_documents
from jz3.text.regions import Span, code_spans

COMMAND = re.compile(r"\\section\*?\s*(?:\[[^\]\n]{0,500}\]\s*)?(?=\{)")
BRACE = re.compile(r"\\.|[{}]|\n[ \t\r]*\n", re.DOTALL)
COMMENT = re.compile(r"\\.|%", re.DOTALL)
BEGIN, END = re.compile(r"\\begin\s*\{document\}"), re.compile(r"\\end\s*\{document\}")


def read_latex(
    files: Sequence[Path], root: Path, text_field: str, fields: Fields
) -> Iterator[Section | Unusable]:
    """The sections of each document."""
    for document in read_documents(files, root, text_field, fields):
        if isinstance(document, Unusable):
            yield document
            continue
        spans = section_spans(document.text)
        for start, end in spans:
            text = document.text[start:end]
            if text.strip() or len(spans) == 1:
                yield replace(document, offset=start, text=text)


def section_spans(text: str) -> list[Span]:
    """The spans of all sections, without their headings. Takes linear time."""
    first, last = _body(text)
    spans: list[Span] = []
    start = first
    for begin, end in _headings(text, first, last):
        spans.append((start, begin))
        start = end
    spans.append((start, last))
    return spans


def _body(text: str) -> Span:
    begin = _first(text, BEGIN, 0)
    end = _first(text, END, begin[1]) if begin else None
    return begin[1] if begin else 0, end[0] if end else len(text)


def _first(text: str, command: re.Pattern[str], start: int) -> Span | None:
    """The span of the first command from `start` on that counts."""
    shown = _not_hidden(text, [found.span() for found in command.finditer(text, start)])
    return shown[0] if shown else None


def _headings(text: str, first: int, last: int) -> Iterator[Span]:
    commands = [found.span() for found in COMMAND.finditer(text, first, last)]
    shown = _not_hidden(text, commands)
    limits = [*(begin for begin, _ in shown), last][1:]
    for (begin, opening), limit in zip(shown, limits, strict=True):
        end = _closing_brace(text, opening, limit)
        if end is not None:
            yield begin, end


def _not_hidden(text: str, commands: Sequence[Span]) -> list[Span]:
    """The commands that are neither in code nor in a comment."""
    if not commands:
        return []
    code = iter(code_spans(text))
    span = next(code, None)
    shown: list[Span] = []
    read = 0
    """The end of the part of the last command's line that was searched."""
    for begin, end in commands:
        while span is not None and span[1] <= begin:
            span = next(code, None)
        line = text.rfind("\n", read, begin) + 1
        comment = _comment(text, line or read, begin)
        read = begin if comment is None else comment
        if comment is None and not (span is not None and span[0] < begin) and text[begin - 1 : begin] != "\\":
            shown.append((begin, end))
    return shown


def _comment(text: str, start: int, end: int) -> int | None:
    """The offset at which a comment begins between two offsets of a line; None if there is no comment."""
    return next((found.start() for found in COMMENT.finditer(text, start, end) if found[0] == "%"), None)


def _closing_brace(text: str, opening: int, limit: int) -> int | None:
    """The place after the brace that closes the one at `opening`; None if none does."""
    depth = 0
    for found in BRACE.finditer(text, opening, limit):
        match found[0][0]:
            case "{":
                depth += 1
            case "}":
                depth -= 1
            case "\n":
                return None
            case _:
                pass
        if depth == 0:
            return found.end()
    return None
