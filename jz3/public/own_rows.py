"""Rows of a user's file or of a data set of the hub: which fields to read, and the texts of a row.

Fields are guessed by their names, whatever the case, and reported; a given name may be nested
(`data.question`). A field of turns (`[{"role": "user", "content": "..."}, ...]`, also `from` and `value`)
gives its first question as the problem and its last answer as the solution.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jz3.core.errors import UserError
from jz3.raw.files import field, read_rows
from jz3.raw.named_fields import fields_of_question, first_of
from jz3.raw.names import must_be_utf8
from jz3.raw.row import Odd, Row
from jz3.raw.turns import ANSWERING, ASKING, TURNS, first_of_speakers, last_of_speakers, turns_of

PROBLEM = ("problem", "question", "prompt", "instruction", "input", "query", *TURNS)
"""Names of the problem field, the most reliable first."""
SOLUTION = ("solution", "response", "output", "completion", "generated_solution", "chosen", "answer")
"""Names of the solution field, the most reliable first."""
IDS = ("problem_id", "id", "unique_id", "question_id")
LOOKED_AT = 1000
"""Number of first rows from whose fields the guess is made (chosen: those that are always there)."""


@dataclass(frozen=True)
class OwnRows:
    """Rows in their order, and malformed ones."""

    name: str
    """The file's name, or the address of the data set with its commit."""
    rows: Sequence[Row]
    odd: Sequence[Row]
    """Malformed rows: `place`, `text`, `jz3_rule` and `jz3_evidence`."""


@dataclass(frozen=True)
class Fields:
    """The fields that hold the texts."""

    problem: str
    solution: str | None

    def said(self, rows: Sequence[Row]) -> str:
        """A line for people on the fields that are read."""
        turns = any(turns_of(field(row, self.problem)) for row in rows[:LOOKED_AT])
        told = max((fields_of_question(row, self.problem) for row in rows[:LOOKED_AT]), key=len)
        asked = f"{' and '.join(f'`{one}`' for one in told)}{', its first question' if turns else ''}"
        last = ", its last answer" if self.solution and _is_answered(rows[:LOOKED_AT], self.solution) else ""
        return f"problem from {asked}, solution from `{self.solution or 'no field'}`{last}"


def read_own(files: Sequence[Path], root: Path, name: str) -> OwnRows:
    """All rows of the files under `root`. Raises UserError if there are none."""
    rows: list[Row] = []
    odd: list[Row] = []
    for file in files:
        must_be_utf8(file, [str(file)])
    for _, (place, found) in read_rows(files, root):
        if isinstance(found, Odd):
            rule = f"read.{found.rule}"
            odd.append({"place": place, "text": found.text, "jz3_rule": rule, "jz3_evidence": found.reason})
        else:
            rows.append(found)
    if not rows:
        raise UserError(f"{name} holds no rows; at least one was expected. Give another file.")
    return OwnRows(name, rows, odd)


def fields_of(
    file: str,
    rows: Sequence[Row],
    problem: str | None,
    solution: str | None,
    remedy: str = "Name it with --problem.",
) -> Fields:
    """The given fields, or those guessed from the first rows. Raises UserError, with this remedy if there is
    no field of problems.
    """
    first = rows[:LOOKED_AT]
    names = list(dict.fromkeys(name for row in first for name in row))
    must_be_utf8(Path(file), names)
    for given in (problem, solution):
        if given is not None and all(field(row, given) is None for row in first) and given not in names:
            raise UserError(
                f"{file} has no field `{given}`; it has {_shown(first, names)}. Give one of these."
            )
    asked = problem or guessed_problem(first, names)
    if asked is None:
        raise UserError(
            f"{file} has no field of problems; one such as problem, question or messages was expected, "
            f"found {_shown(first, names)}.{_inside(first) or _headless(file)} {remedy}"
        )
    if solution is None:
        others = [name for name in names if name != asked]
        solution = first_of(SOLUTION, others)
        turns = (asked, first_of(TURNS, others))
        solution = solution or next((name for name in turns if name and _is_answered(first, name)), None)
    return Fields(asked, solution)


def ids_of(rows: Sequence[Row], say: Callable[[str], object]) -> list[str]:
    """The rows' ids if each has a different one, otherwise their numbers."""
    reason = ""
    for name in IDS:
        found = [str(row[name]) for row in rows if row.get(name) is not None]
        if len(set(found)) == len(rows):
            say(f"ids from `{name}`")
            return found
        if found and not reason:
            reason = f": `{name}` repeats, or rows lack it"
    say(f"ids are the numbers of the rows, from 0{reason}")
    return [str(number) for number in range(len(rows))]


def problem_of(row: Row, name: str) -> str | None:
    """The text of a problem, or None; if the field holds turns, the first question. With the story that it
    asks about, or the instruction that it is given for, where that has a field of its own.
    """
    value = field(row, name)
    turns = turns_of(value)
    asked = _text(value) if turns is None else first_of_speakers(turns, ASKING)
    if not asked:
        return asked
    told = [asked if one == name else _text(field(row, one)) for one in fields_of_question(row, name)]
    return ("\n\n" if name.lower().endswith(("instruction", "input")) else " ").join(filter(None, told))


def solution_of(row: Row, name: str) -> str | None:
    """The text of a solution, or None; if the field holds turns, the last answer."""
    value = field(row, name)
    turns = turns_of(value)
    if turns is None:
        return _text(value)
    return last_of_speakers(turns, ANSWERING)


def no_text(row: Row, name: str) -> bool:
    """Whether a field holds a list, an object or bytes instead of a text, such as a whole column."""
    value = field(row, name)
    none = isinstance(value, (list, dict, bytes)) and bool(value)
    return none and turns_of(value) is None and _text(value) is None


def _is_answered(rows: Sequence[Row], name: str) -> bool:
    """Whether a field holds turns with an answer."""
    return any(solution_of(row, name) for row in rows if turns_of(field(row, name)))


def _text(value: object) -> str | None:
    if isinstance(value, list) and len(cast("list[Any]", value)) == 1:
        value = value[0]
    if value is None or isinstance(value, str):
        return value
    return (
        None if isinstance(value, (list, dict, bytes)) else json.dumps(value, ensure_ascii=False, default=str)
    )


def guessed_problem(rows: Sequence[Row], names: Sequence[str]) -> str | None:
    """The first name of PROBLEM whose field most rows fill, otherwise the first that is there.

    In Alpaca's layout, for one, `input` is empty where `instruction` says it all; elsewhere both are read.
    """
    filled = [name for name in names if 2 * sum(bool(row.get(name)) for row in rows) > len(rows)]
    return first_of(PROBLEM, filled) or first_of(PROBLEM, names)


def _shown(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Names of fields, including nested ones."""
    inner = {name: rows[0].get(name) for name in names}
    shown = [
        one
        for name, value in inner.items()
        for one in (
            [f"{name}.{key}" for key in cast("dict[str, Any]", value)] if isinstance(value, dict) else [name]
        )
    ]
    return ", ".join(shown) or "no field at all"


def _inside(rows: Sequence[Row]) -> str:
    """A hint for a file that is one object around the list of its rows."""
    if len(rows) != 1:
        return ""
    for name, value in rows[0].items():
        held = cast("list[Any]", value) if isinstance(value, list) else []
        if held and isinstance(held[0], dict):
            return f" `{name}` is a list of {len(held)} objects: give a file with only that list."
    return ""


def _headless(file: str) -> str:
    """A hint for a table whose first record may be a row."""
    table = any(ending in Path(file).suffixes[-2:] for ending in (".csv", ".tsv"))
    return " The first line of a CSV file names its columns: give it one if it has none." if table else ""
