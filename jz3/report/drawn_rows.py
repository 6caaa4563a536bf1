"""Some rows of a file or a folder of files, drawn by hash: the same rows each time, in the order of the file.

Rows are read one by one and only those that may be drawn are kept, so that memory does not grow with the
file. 100,000 rows of JSONL (200 MB) take 1.2 s of CPU.
"""

import heapq
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.errors import UserError
from jz3.core.hashing import draw_order
from jz3.raw.files import read_rows
from jz3.raw.given import must_be_a_file
from jz3.raw.row import Odd, Row

SEED = 0  # chosen: any will do; it only changes which rows are looked at
TABLES = (".parquet", ".arrow", ".jsonl")
"""Endings of files in a folder that hold its rows; others (manifests, cards, metrics) describe it."""


@dataclass(frozen=True)
class Placed:
    """A row, with its number in the file (from 0) and its location, such as `mine.jsonl line 7`."""

    number: int
    place: str
    row: Row


@dataclass(frozen=True)
class Drawn:
    """Drawn rows in the order of the file, and how many rows there were."""

    rows: Sequence[Placed]
    read: int
    fitting: int
    """Rows that contain every wanted text."""
    odd: int
    """Lines that are no rows; they are not shown."""
    first_odd: str
    """Location of the first of them and what is wrong with it; empty if there are none."""


def draw_rows(path: Path, most: int, find: Sequence[str] = ()) -> Drawn:
    """Draw at most `most` of the rows that contain every text of `find`, ignoring case. Raises UserError."""
    tally = _Tally([text.lower() for text in find])
    ranked = heapq.nsmallest(most, tally.fitting_rows(path))  # numbers differ: no two rows are compared
    if not tally.read and not tally.odd:
        raise UserError(f"{path} holds no rows; at least one was expected. Give another file.")
    rows = sorted(
        (Placed(number, place, row) for _, number, place, row in ranked), key=lambda placed: placed.number
    )
    return Drawn(rows, tally.read, tally.fitting, tally.odd, tally.first_odd)


class _Tally:
    """Reads the rows of a file, and counts them."""

    def __init__(self, wanted: Sequence[str]) -> None:
        self.wanted = wanted
        self.read = self.fitting = self.odd = 0
        self.first_odd = ""

    def fitting_rows(self, path: Path) -> Iterator[tuple[int, int, str, Row]]:
        """Where a row comes in the draw, its number, its place, and the row: plain, as most are not drawn."""
        for _, (place, found) in read_rows(_files(path), path if path.is_dir() else path.parent):
            if isinstance(found, Odd):
                self.odd += 1
                self.first_odd = self.first_odd or f"{place}: {found.reason}"
                continue
            number, self.read = self.read, self.read + 1
            if self._fits(found):
                self.fitting += 1
                yield draw_order(SEED, str(number)), number, place, found

    def _fits(self, row: Row) -> bool:
        if not self.wanted:
            return True
        held = "\n".join(_texts(row)).lower()
        return all(text in held for text in self.wanted)


def _texts(value: Any) -> Iterator[str]:  # noqa: ANN401 (any JSON)
    """Every value inside, as text."""
    match value:
        case dict():
            for held in value.values():
                yield from _texts(held)
        case list():
            for held in value:
                yield from _texts(held)
        case None:
            pass
        case _:
            yield str(value)


def _files(path: Path) -> list[Path]:
    if not os.path.isdir(path):  # noqa: PTH112 (`Path.is_dir` raises where a path is too long or closed)
        must_be_a_file(path, "a file or a folder of rows")
        return [path]
    files = sorted(file for file in path.rglob("*") if file.suffix in TABLES and file.is_file())
    if not files:
        raise UserError(
            f"{path} holds no file that ends in {', '.join(TABLES)}; rows were expected in it. "
            f"Give the file itself."
        )
    return files
