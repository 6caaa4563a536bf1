"""Textbooks in Markdown, split at headings of any depth outside code fences: MathPile's textbooks (JSON
lines with a field `text`) and plain `.md` files. Text before the first heading is a section of its own; a
heading stays with its section.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from jz3.corpus.readers.document import RawFileError, Section, Unusable
from jz3.corpus.readers.documents import read_documents

HEADING = re.compile(r"#{1,6}\s+\S")
FENCE = re.compile(r"\s{0,3}(```+|~~~+)")


def read_markdown(files: list[Path], root: Path, origin: str, licence: str) -> Iterator[Section | Unusable]:
    """The sections of each document."""
    for file in files:
        documents = (
            [_plain(file, root, origin, licence)]
            if file.suffix == ".md"
            else read_documents([file], root, origin, licence)
        )
        for document in documents:
            if isinstance(document, Unusable):
                yield document
            else:
                yield from _sections(document)


def _plain(file: Path, root: Path, origin: str, licence: str) -> Section:
    try:
        return Section(
            file.relative_to(root).as_posix(), origin, licence, 0, file.read_text(encoding="utf-8")
        )
    except UnicodeDecodeError as error:
        raise RawFileError(
            f"{file} is not UTF-8 ({error}); Markdown was expected. Convert the file."
        ) from error


def _sections(document: Section) -> Iterator[Section]:
    """Each piece between two headings; an empty document stays one empty section, rejected by a rule."""
    starts = [start for start in (0, *heading_offsets(document.text)) if start < len(document.text)] or [0]
    for start, end in zip(starts, [*starts[1:], len(document.text)], strict=True):
        text = document.text[start:end]
        if text.strip() or len(starts) == 1:
            yield Section(document.document_id, document.origin, document.licence, start, text)


def heading_offsets(text: str) -> list[int]:
    """Where headings begin, but for the start of the text and lines inside a code fence."""
    offsets: list[int] = []
    fence: str | None = None
    offset = 0
    for line in text.splitlines(keepends=True):
        found = FENCE.match(line)
        if found and fence is None:
            fence = found[1]
        elif found and fence is not None and found[1].startswith(fence):
            fence = None
        elif fence is None and offset and HEADING.match(line):
            offsets.append(offset)
        offset += len(line)
    return offsets
