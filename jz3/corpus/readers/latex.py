r"""Articles in LaTeX (JSON lines with a field `text`), split at `\section{...}` and `\section*{...}`, whose
titles may hold nested braces. The headings are dropped; text before the first one is a section of its own.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from jz3.corpus.readers.document import Section, Unusable
from jz3.corpus.readers.documents import read_documents

COMMAND = re.compile(r"\\section\*?\s*(?:\[[^\]]*\]\s*)?(?=\{)")


def read_latex(files: list[Path], root: Path, origin: str, licence: str) -> Iterator[Section | Unusable]:
    """The sections of each document."""
    for document in read_documents(files, root, origin, licence):
        if isinstance(document, Unusable):
            yield document
            continue
        spans = _spans(document.text)
        for start, end in spans:
            text = document.text[start:end]
            if text.strip() or len(spans) == 1:
                yield Section(document.document_id, document.origin, document.licence, start, text)


def _spans(text: str) -> list[tuple[int, int]]:
    """Where the text of each section begins and ends, headings left out."""
    spans: list[tuple[int, int]] = []
    start = 0
    for command in COMMAND.finditer(text):
        end = _closing_brace(text, command.end())
        if end is None:
            break
        spans.append((start, command.start()))
        start = end
    spans.append((start, len(text)))
    return spans


def _closing_brace(text: str, opening: int) -> int | None:
    """The place after the brace that closes the one at `opening`; None where none does."""
    depth = 0
    for place in range(opening, len(text)):
        if text[place] in "{}" and text[place - 1] != "\\":
            depth += 1 if text[place] == "{" else -1
            if depth == 0:
                return place + 1
    return None
