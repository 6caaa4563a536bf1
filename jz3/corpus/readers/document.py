"""What every reader yields: a section of a document, or a row that it cannot use."""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.errors import UserError


@dataclass(frozen=True)
class Section:
    """A text to be cut into passages. A document without parts is one section."""

    document_id: str
    origin: str
    """What the document belongs to: a package and version, a file, a data set and revision."""
    licence: str
    offset: int
    """Characters from the start of the document."""
    text: str


@dataclass(frozen=True)
class Unusable:
    """A row that holds no text for us."""

    document_id: str
    rule: str
    evidence: str


class RawFileError(UserError):
    """A raw file is damaged or not of the format that its source is read in."""


def json_rows(file: Path, root: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each row of a JSON-lines file (plain or gzip) with its id, `path:line` under `root`."""
    name = file.relative_to(root).as_posix()
    number = 0
    try:
        with (
            gzip.open(file, "rt", encoding="utf-8")
            if file.suffix == ".gz"
            else file.open(encoding="utf-8") as f
        ):
            for number, line in enumerate(f, 1):
                if line.strip():
                    yield f"{name}:{number}", _row(line)
    except (
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
        UnicodeDecodeError,
        json.JSONDecodeError,
        TypeError,
    ) as error:
        raise RawFileError(
            f"{file} is damaged after line {number} ({type(error).__name__}: {error}); JSON lines of objects "
            f"in UTF-8 were expected. Fetch the file anew, or take the line out."
        ) from error


def _row(line: str) -> dict[str, Any]:
    row: Any = json.loads(line)
    if not isinstance(row, dict):
        message = f"the row is a {type(row).__name__}, not an object"
        raise TypeError(message)
    return row
