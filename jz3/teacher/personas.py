"""Personas from whose lives questions are retold, and which of them retell a seed (PersonaMath).

Promise: the n-th persona of a seed depends only on the seed's id and a number. So a seed that gets more
personas keeps those it had, and seeds do not affect one another. As long as there are groups left, each
persona of a seed is from a new group.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.hashing import draw_order

FILE = "personas.csv"


class PersonasError(UserError):
    """The table of personas cannot be read."""


@dataclass(frozen=True)
class Persona:
    """A person, described in a sentence."""

    persona_id: str
    group: str
    """A major group of ISCO-08, or `without_occupation`."""
    licence: str
    """The licence of the sentence; SPDX where there is one."""
    text: str


def read_personas(directory: InFiles) -> list[Persona]:
    """The personas of a recipe. Raises PersonasError."""
    file = directory.path / FILE
    if not file.is_file():
        raise PersonasError(
            f"{file} does not exist; a table of personas was expected. `git checkout {file}` restores it."
        )
    names = [field.name for field in fields(Persona)]
    with file.open(encoding="utf-8", newline="") as lines:
        rows = csv.DictReader(lines, strict=True)
        if rows.fieldnames != names:
            raise PersonasError(
                f"{file} has the columns {', '.join(rows.fieldnames or ['(none)'])}; {', '.join(names)} were "
                f"expected. Fix its first line."
            )
        personas = [_persona(row, f"{file}, line {rows.line_num}") for row in rows]
    seen: set[str] = set()
    for one in personas:
        if one.persona_id in seen:
            raise PersonasError(f"{file} has the persona {one.persona_id!r} twice; give one another id.")
        seen.add(one.persona_id)
    if not personas:
        raise PersonasError(f"{file} has no persona; at least one was expected.")
    return personas


def drawn_personas(
    personas: Sequence[Persona], seed_id: str, count: int, seed: int
) -> Iterator[tuple[Persona, int]]:
    """The personas of a seed problem, and how often each came before: one from each group in turn; groups,
    and the personas of a group, are ordered by hash.
    """

    def place(name: str) -> int:
        return draw_order(seed, f"{name}\x00{seed_id}")

    of_group: dict[str, list[Persona]] = {}
    for one in personas:
        of_group.setdefault(one.group, []).append(one)
    groups = sorted(of_group, key=lambda group: place(f"group {group}"))
    for group in groups[:count]:
        of_group[group].sort(key=lambda one: place(one.persona_id))
    for number in range(count):
        turn, group = divmod(number, len(groups))
        some = of_group[groups[group]]
        yield some[turn % len(some)], turn // len(some)


def _persona(row: dict[str, str | None], place: str) -> Persona:
    cells = {field.name: (row.get(field.name) or "").strip() for field in fields(Persona)}
    empty = [name for name, cell in cells.items() if not cell]
    if empty or len(row) != len(cells):
        wrong = f"{', '.join(empty)} is empty" if empty else "a cell too many"
        raise PersonasError(
            f"{place}: {wrong}; {', '.join(cells)} were expected, each with a text. Put quotation marks "
            f"around a text with a comma."
        )
    return Persona(**cells)
