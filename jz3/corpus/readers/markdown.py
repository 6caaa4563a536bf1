"""Textbooks in Markdown, split at headings of any depth.

These are MathPile's textbooks (rows with a field `text`) and plain `.md` files. Text before the first heading
is a section of its own; a heading stays with its section. A line in a fence of code, in a comment (`<!--
-->`) or in a display is no heading.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from jz3.corpus.readers.document import Fields, Section, Unusable
from jz3.corpus.readers.documents import read_documents
from jz3.text.regions import Regions

HEADING = re.compile(r" {0,3}#{1,6}[ \t]+\S")
FENCE = re.compile(r" {0,3}(```+|~~~+)")
LINE = re.compile(r"^ {0,3}(?:#|```|~~~|<!--|.*?-->).*\n?", re.MULTILINE)
"""Lines that may matter."""


def read_markdown(
    files: Sequence[Path], root: Path, text_field: str, fields: Fields
) -> Iterator[Section | Unusable]:
    """The sections of each document."""
    for document in read_documents(files, root, text_field, fields):
        if isinstance(document, Unusable):
            yield document
        else:
            yield from _sections(document)


def _sections(document: Section) -> Iterator[Section]:
    """Each piece between two headings; an empty document gives one empty section, which a rule rejects."""
    starts = [start for start in (0, *heading_offsets(document.text)) if start < len(document.text)] or [0]
    for start, end in zip(starts, [*starts[1:], len(document.text)], strict=True):
        text = document.text[start:end]
        if text.strip() or len(starts) == 1:
            yield replace(document, offset=start, text=text)


def heading_offsets(text: str) -> list[int]:
    """Offsets of the headings, except one at the start of the text."""
    offsets: list[int] = []
    regions = Regions(text, "markdown")
    fence: str | None = None
    comment = False
    for found in LINE.finditer(text):
        line = found[0]
        mark = FENCE.match(line)
        if comment:
            comment = "-->" not in line
        elif fence is not None:
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = None
        elif mark:
            fence = mark[1]
        elif line.lstrip(" ").startswith("<!--"):
            comment = "-->" not in line
        elif found.start() and HEADING.match(line) and regions.around(found.start()) is None:
            offsets.append(found.start())
    return offsets
