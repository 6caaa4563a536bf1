"""A row on its way to a trainer: problem, solution, answer, and where they come from."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One problem. Unknown fields are empty texts, except `solution`, `answer` and `pass_rate`."""

    row_id: str
    problem: str
    solution: str | None
    answer: str | None
    """Only the final answer; None if the row has none."""
    answer_from: str
    """`program` if a program that ran printed it, `box` or `hashes` if the solution marks it, `field` if the
    file has a field for it; empty without an answer.
    """
    kind: str = ""
    level: str = ""
    source: str = ""
    recipe: str = ""
    origin: str = ""
    licence: str = ""
    pass_rate: float | None = None
    """Share of right answers of some model, from 0 to 1, as given in the file."""


@dataclass(frozen=True, slots=True)
class NoRow:
    """Something in a file that is not a row."""

    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class Table:
    """The table that is exported."""

    name: str
    """Path in the repository; for a file elsewhere its name."""
    digest: str
    """Digest of the contents of its files."""


def provenance(row: ExportRow, table: Table) -> dict[str, Any]:
    """The fields that tell where a row comes from."""
    return {
        "id": row.row_id,
        "recipe": row.recipe,
        "source": row.source,
        "origin": row.origin,
        "licence": row.licence,
        "kind": row.kind,
        "level": row.level,
        "answer_from": row.answer_from,
        "pass_rate": row.pass_rate,
        "table": table.name,
        "table_digest": table.digest,
    }
