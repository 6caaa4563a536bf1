"""Rows of data sets that others made: JSON lines under `data/raw`, or a split of a data set on the hub."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.hashing import files_digest

Row = dict[str, Any]


class DataError(UserError):
    """A file or data set is missing, damaged, or not of the format that the parameters say."""


@dataclass(frozen=True)
class RawRows:
    """Rows in the order of their source."""

    where: str
    """Path or name, for messages."""
    revision: str
    """Digest of the files, or the revision on the hub."""
    rows: list[Row]


def read_files(raw: InFiles, pattern: str) -> RawRows:
    """The rows of all JSON lines files that fit a glob pattern. Raises DataError."""
    files = raw.matching(pattern)
    where = str(raw.path / pattern)
    if not files:
        raise DataError(
            f"no file fits {where}; a JSON lines file was expected. "
            f"Put it there ({raw.path / 'README.md'} says where it comes from)."
        )
    rows = [row for file in files for row in _lines(file)]
    return RawRows(where, files_digest(files, raw.path), rows)


def read_hub(dataset: str, configs: list[str], split: str, revision: str) -> RawRows:
    """The rows of a split, of each of the configs. A row that has no `type` gets its config as its type.

    Raises DataError where the hub and the local cache do not have it.
    """
    import datasets

    rows: list[Row] = []
    for config in configs or [None]:
        try:
            part: Any = datasets.load_dataset(dataset, config, split=split, revision=revision)
        except (ValueError, OSError, ConnectionError) as error:
            reason = " ".join(str(error).split())[:300]
            raise DataError(
                f"{dataset} at {revision} (config {config}, split {split}) cannot be loaded ({reason}); a "
                f"data set of the hub was expected. Check name, revision and network, or use a local file."
            ) from error
        rows += [{"type": config, **row} if config else dict(row) for row in part]
    return RawRows(dataset, revision, rows)


def _lines(file: Path) -> list[Row]:
    rows: list[Row] = []
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file} is not UTF-8 ({error}); JSON lines were expected. Fetch it again."
        ) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row: Any = json.loads(line)
        except ValueError as error:
            raise DataError(
                f"{file} line {number} is not JSON ({error}); one object a line was expected. Fetch it again."
            ) from error
        if not isinstance(row, dict):
            raise DataError(f"{file} line {number} is no JSON object; one object a line was expected.")
        rows.append(row)
    return rows
