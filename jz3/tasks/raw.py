"""Rows of data sets that others made: files under `data/raw` of any kind that `jz3.raw.files` reads, or a
split of a data set on the hub.
"""

from dataclasses import dataclass
from typing import Any

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.hashing import files_digest
from jz3.raw.files import read_rows
from jz3.raw.row import Odd, Row

__all__ = ["DataError", "RawRows", "Row", "read_files", "read_hub"]


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
    places: list[str]
    """Of each row, such as `test.jsonl line 7`."""
    odd: list[tuple[str, Odd]]
    """What should have been a row, with its place."""


def read_files(raw: InFiles, pattern: str) -> RawRows:
    """The rows of all files that fit a glob pattern. Raises UserError for one that is missing or damaged."""
    files = raw.matching(pattern)
    where = str(raw.path / pattern)
    if not files:
        raise DataError(
            f"no file fits {where}; a JSON lines file was expected. "
            f"Put it there ({raw.path / 'README.md'} says where it comes from)."
        )
    found = [found for _, found in read_rows(files, raw.path)]
    good = [(place, row) for place, row in found if not isinstance(row, Odd)]
    return RawRows(
        where,
        files_digest(files, raw.path),
        [row for _, row in good],
        [place for place, _ in good],
        [(place, row) for place, row in found if isinstance(row, Odd)],
    )


def read_hub(dataset: str, configs: list[str], split: str, revision: str) -> RawRows:
    """The rows of a split, of each of the configs. A row that has no `type` gets its config as its type.

    Raises DataError where the hub and the local cache do not have it, or `datasets` cannot make it: its files
    differ in their columns, say, or it needs a program of its own, which nothing runs.
    """
    import datasets
    from datasets.exceptions import DatasetsError

    rows: list[Row] = []
    for config in configs or [None]:
        try:
            part: Any = datasets.load_dataset(dataset, config, split=split, revision=revision)
            rows += [{"type": config, **row} if config else dict(row) for row in part]
        except (
            DatasetsError,
            ValueError,
            OSError,
            RuntimeError,  # a data set with a program of its own
        ) as error:
            reason = " ".join(f"{error} {error.__cause__ or ''}".split())[:300]
            raise DataError(
                f"{dataset} at {revision} (config {config}, split {split}) cannot be loaded ({reason}); a "
                f"data set of the hub was expected. Check name, revision and network, or use a local file."
            ) from error
    return RawRows(dataset, revision, rows, [f"row {number}" for number in range(1, len(rows) + 1)], [])
