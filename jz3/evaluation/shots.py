"""Worked examples before a question: JSON lines of `question` and `solution`, in our own words."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.params import Params


class ShotsError(UserError):
    """A file of examples is missing, damaged or too short."""


class ShotParams(Params):
    """The examples that the items of one benchmark are shown."""

    file: str
    """A file under `data/raw/shots`."""
    count: int = Field(ge=1)
    """How many examples to take, from the beginning of the file."""


@dataclass(frozen=True)
class Shot:
    """A question and its solution, which ends with the answer in a box."""

    question: str
    solution: str


def read_shots(directory: InFiles, params: ShotParams | None) -> tuple[Shot, ...]:
    """The examples that the parameters ask for; empty for None. Raises ShotsError."""
    if params is None:
        return ()
    file = directory.path / params.file
    if not file.is_file():
        raise ShotsError(
            f"{file} does not exist; a file of worked examples was expected. Put it there, or correct the "
            f"shots of `answer`."
        )
    lines = [line for line in file.read_text(encoding="utf-8").split("\n") if line.strip()]
    if len(lines) < params.count:
        raise ShotsError(
            f"{file} has {len(lines)} examples; {params.count} were expected. Ask for fewer, or add some."
        )
    return tuple(_shot(file, number, line) for number, line in enumerate(lines[: params.count], 1))


def _shot(file: Path, number: int, line: str) -> Shot:
    try:
        row: Any = json.loads(line)
        return Shot(row["question"], row["solution"])
    except (ValueError, KeyError, TypeError) as error:
        raise ShotsError(
            f"{file} line {number} is not an example ({error!r}); question and solution were expected. Fix "
            f"the line."
        ) from error
