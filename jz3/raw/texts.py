r"""Files that are one text each: `.txt`, `.md`, `.html`, `.pdf`, `.tex`. A row has only the field `text`.

LaTeX files that others include by `\input`, `\include` or `\subfile` are not texts of their own: they appear
where they are included. A source includes only its own files.
"""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from jz3.raw.first_bytes import kind_of
from jz3.raw.lines import read_bytes
from jz3.raw.pages import html_text, pdf_text
from jz3.raw.row import MOST_BYTES, Found, Odd, not_utf8, of_wide, shown, wide

_TAKEN_IN = re.compile(
    r"\\(?:input|include|subfile)\s*\{([^{}]*)\}|\\input\s+([^\s{}\\%]+)|\\.|%[^\n]*", re.DOTALL
)
MOST_PARTS = 1_000
"""The most files in one text (chosen: a book has some hundred); files that include one another have no
end.
"""


def text_row(file: Path, kind: str, place: str) -> Found:
    """The text of a file of this kind, which is an ending of its name."""
    match kind:
        case ".html" | ".htm":
            data = read_bytes(file)
            text = data if isinstance(data, Odd) else html_text(data)
        case ".pdf":
            data = read_bytes(file)
            text = data if isinstance(data, Odd) else pdf_text(data)
        case _:
            text = _read(file)
    return place, text if isinstance(text, Odd) else {"text": text}


def latex_rows(files: Sequence[Path], root: Path) -> Iterator[tuple[Path, Found]]:
    """The texts of these files under `root`, with included files inserted; those have no row of their own."""
    known = frozenset(map(_plain, files))
    held = {file: _parts(file, known) for file in files}
    inside = {part for file, parts in held.items() for part in parts if part != _plain(file)}
    done: set[Path] = set()
    # Files that only include one another are all in `inside`: the first one is a text.
    for file in [file for file in files if _plain(file) not in inside] + list(files):
        if _plain(file) not in done:
            row, taken = _Text(file, known).row()
            done |= taken
            yield file, (file.relative_to(root).as_posix(), row)


def _plain(file: Path) -> Path:
    """The path without `..`. Links stay: a fetched file is a link, and its location is where it is included
    from.
    """
    return Path(os.path.normpath(file))


class _Text:
    """One text while it is put together."""

    def __init__(self, file: Path, known: frozenset[Path]) -> None:
        self._file, self._known = file, known
        self._taken: set[Path] = set()
        self._count = self._size = 0

    def row(self) -> tuple[dict[str, str] | Odd, set[Path]]:
        """The row, and the files in it."""
        text = self._expanded(self._file, ())
        return text if isinstance(text, Odd) else {"text": text}, self._taken

    def _expanded(self, file: Path, within: tuple[Path, ...]) -> str | Odd:
        self._taken.add(_plain(file))
        text = _read(file)
        if isinstance(text, Odd):
            return text
        pieces: list[str] = []
        start = 0
        for found in _TAKEN_IN.finditer(text):
            part = _part(found, self._file, file, self._known)
            if part is None or part in map(_plain, (file, *within)):
                continue
            inner = self._expanded(part, (*within, file))
            if isinstance(inner, Odd):
                return inner
            pieces += [text[start : found.start()], inner]
            start = found.end()
            self._count += 1
            self._size += len(inner)
            if self._count > MOST_PARTS or self._size > MOST_BYTES:
                return Odd(
                    "too_long",
                    f"it has more than {MOST_PARTS:,} parts or {MOST_BYTES:,} characters",
                    text[:200],
                )
        return "".join([*pieces, text[start:]])


def _read(file: Path) -> str | Odd:
    data = read_bytes(file)
    if isinstance(data, Odd):
        return data
    if kind := kind_of(data):
        return Odd("not_utf8", f"it is {kind} by its first bytes, and no text", shown(data))
    if wide(data):
        return of_wide(data)
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        return not_utf8(data, error, data.count(b"\n", 0, error.start) + 1)


def _parts(file: Path, known: frozenset[Path]) -> set[Path]:
    text = _read(file)
    if isinstance(text, Odd):
        return set()
    parts = (_part(found, file, file, known) for found in _TAKEN_IN.finditer(text))
    return {part for part in parts if part is not None}


def _part(found: re.Match[str], text: Path, file: Path, known: frozenset[Path]) -> Path | None:
    """The file that a command includes, relative to the text or to the file with the command. None if it is
    not one of the source's: then the command stays as it is.
    """
    name = (found[1] or found[2] or "").strip().strip('"')
    if not name:
        return None
    places = (
        _plain(folder / part) for folder in (text.parent, file.parent) for part in (f"{name}.tex", name)
    )
    return next((place for place in places if place in known), None)
