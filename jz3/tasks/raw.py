"""Rows of others' data sets: files under `data/raw` of any kind that `jz3.raw.files` reads, or files that
`jz3 fetch` brought.
"""

from dataclasses import dataclass
from pathlib import Path

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.hashing import files_digest
from jz3.raw.fetched import ENDING, raw_files
from jz3.raw.files import read_rows
from jz3.raw.row import Odd, Row

__all__ = ["DataError", "RawRows", "Row", "read_fetched", "read_files"]


class DataError(UserError):
    """A file or data set is missing, damaged, or not in the format that the parameters say."""


@dataclass(frozen=True)
class RawRows:
    """Rows in the order of their source."""

    where: str
    """Path or name, for messages."""
    revision: str
    """Digest of the files, or the repository and commit that they were fetched from."""
    rows: list[Row]
    places: list[str]
    """The location of each row, such as `test.jsonl line 7`."""
    odd: list[tuple[str, Odd]]
    """Things that should have been rows, with their locations."""


def read_files(raw: InFiles, pattern: str) -> RawRows:
    """The rows of all files that match a glob pattern. Raises UserError if one is missing or damaged."""
    files = raw.matching(pattern)
    where = str(raw.path / pattern)
    if not files:
        raise DataError(
            f"no file fits {where}; a JSON lines file was expected. "
            f"Put it there ({raw.path / 'README.md'} says where it comes from)."
        )
    return _rows(where, files_digest(files, raw.path), files, raw.path)


def read_fetched(raw: InFiles, source: str) -> RawRows:
    """The rows of all files that `jz3 fetch` brought from a source. Raises UserError."""
    manifest = raw.path / f"{source}{ENDING}"
    held = raw_files(InFiles(manifest), ["**/*"])
    revision = held.fetched.origin if held.fetched else source
    return _rows(str(manifest), revision, held.files, held.root)


def _rows(where: str, revision: str, files: list[Path], root: Path) -> RawRows:
    found = [found for _, found in read_rows(files, root)]
    good = [(place, row) for place, row in found if not isinstance(row, Odd)]
    return RawRows(
        where,
        revision,
        [row for _, row in good],
        [place for place, _ in good],
        [(place, row) for place, row in found if isinstance(row, Odd)],
    )
