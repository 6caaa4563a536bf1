"""A row on its way to a trainer: problem, solution, answer, and where all of it comes from."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ExportRow:
    """One problem. What is not known is an empty text, but for `solution`, `answer` and `pass_rate`."""

    row_id: str
    problem: str
    solution: str | None
    answer: str | None
    """The final answer alone; None where the row has none."""
    answer_from: str
    """`program` where a program that ran printed it, `box` or `hashes` where the solution says it, `field`
    where the file has it; empty without an answer.
    """
    kind: str = ""
    level: str = ""
    source: str = ""
    recipe: str = ""
    origin: str = ""
    licence: str = ""
    pass_rate: float | None = None
    """Share of right answers of some model, from 0 to 1, as the file has it."""


@dataclass(frozen=True, slots=True)
class NoRow:
    """What a file holds in place of a row."""

    place: str
    rule: str


@dataclass(frozen=True, slots=True)
class Table:
    """What is exported."""

    name: str
    """Path in the repository; of a file elsewhere its name."""
    digest: str
    """Of the content of its files."""


def provenance(row: ExportRow, table: Table) -> dict[str, Any]:
    """Who asks where a row comes from finds it by these."""
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
