"""Lists damage in the store, and saves the whole rows of damaged files. Nothing is deleted."""

import uuid
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jz3.store.compaction import alone_in, is_left
from jz3.store.examining import SEGMENT, Bytes
from jz3.store.ownership import is_of
from jz3.store.sealing import Sealing
from jz3.store.segment import paths_of
from jz3.store.trouble import must_have_moved
from jz3.store.walking import Damage, Examined

SET_ASIDE = ".damaged"
"""Ending of a damaged file's name once its whole rows are in other files."""


@dataclass(frozen=True)
class Mended:
    """What was saved from damaged files."""

    rows: int
    set_aside: list[str]
    """The damaged files, under their new names."""


def examine_file(file: Bytes, *, is_final: bool) -> tuple[Examined, list[Damage]]:
    """Every damage in a file, including rows that belong to another operation."""
    file.read()
    found, damages = file.examined(is_final=is_final)
    operation = file.path.parent.name
    strange = [
        at
        for key, at in found.offsets.items()
        if (record := file.record(key, at)) is not None and not is_of(operation, record)
    ]
    if strange:
        what = f"{len(strange)} rows from there on are not of {operation}: their key is not their request's"
        damages.append(Damage(file.path, min(strange), what))
    return found, damages


def damages_of(directory: Path) -> list[Damage]:
    """Every damage in the files of one operation. Reads all of them."""
    while True:
        try:
            files = [Bytes(path) for path in paths_of(directory)]
            return [each for file in files for each in examine_file(file, is_final=file.is_final())[1]]
        except FileNotFoundError as error:
            must_have_moved(error)  # and is listed again: it was closed or merged after it was listed


def mend(directories: list[Path]) -> Mended:
    """Write the whole rows of damaged files into new segments, each in the directory of its operation, and
    rename the damaged files. Files that a writer holds and directories that are being merged are left alone.
    """
    rows, set_aside = 0, list[str]()
    for directory in directories:
        with alone_in(directory) as alone, ExitStack() as held:
            for path in paths_of(directory) if alone else ():
                if not is_left(path, held):
                    continue
                file = Bytes(path)
                found, damages = examine_file(file, is_final=True)
                if damages:
                    rows += _taken_out(file, found, directories)
                    set_aside.append(str(path.rename(path.with_name(path.name + SET_ASIDE))))
    return Mended(rows, set_aside)


def _taken_out(file: Bytes, found: Examined, directories: list[Path]) -> int:
    with ExitStack() as stack:
        segments: dict[Path, Sealing] = {}
        for key, at in sorted(found.offsets.items(), key=lambda row: row[1]):
            record = file.record(key, at)
            owner = None if record is None else _owner(record, [file.path.parent, *directories])
            if record is None or owner is None:
                continue
            if owner not in segments:
                segments[owner] = stack.enter_context(Sealing(owner / f"{uuid.uuid4().hex}{SEGMENT}"))
            segments[owner].add(key.hex(), record)
        for segment in segments.values():
            segment.end()
        return sum(map(len, segments.values()))


def _owner(record: bytes, directories: list[Path]) -> Path | None:
    """The directory of the operation that a row belongs to."""
    return next((directory for directory in directories if is_of(directory.name, record)), None)
