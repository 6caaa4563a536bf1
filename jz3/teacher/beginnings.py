"""What a recipe starts from: seed problems, which have gold answers, or passages, which have none.

`augment` gets a table of each. The one that a recipe does not start from is the empty table of data/raw/none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dataframely as dy
import polars as pl

from jz3.core.artifacts import In
from jz3.core.errors import UserError
from jz3.tables.passage import Passage
from jz3.tables.seed_problem import SeedProblem
from jz3.text.problem_text import EVIDENCE_CHARACTERS

Seeds = dy.DataFrame[SeedProblem] | dy.DataFrame[Passage]


class BeginningError(UserError):
    """A recipe gets no rows to start from, but rows of the other kind."""


@dataclass(frozen=True)
class Beginning:
    """A kind of table that a recipe can start from."""

    flag: str
    """The flag of the command of `augment`, and the key of a recipe in `taught` of the graph."""
    table: type[SeedProblem] | type[Passage]
    key: str

    def with_gold(self) -> pl.Expr:
        """The rows that a recipe can start from; every passage is one."""
        return pl.col("answer").is_not_null() if self.table is SeedProblem else pl.lit(value=True)

    def shown(self, row: Mapping[str, Any]) -> str:
        """The text by which a reader recognises a row: its question, or the beginning of its passage."""
        return row["question"] if self.table is SeedProblem else row["text"][:EVIDENCE_CHARACTERS]

    def read(self, path: Path) -> Seeds:
        """Read a table of this kind."""
        return In(self.table, path).read()  # type: ignore[return-value] # one of the two

    def cast(self, rows: pl.DataFrame) -> Seeds:
        """The same rows, typed as this table."""
        return self.table.cast(rows)  # type: ignore[return-value] # one of the two


SEEDS = Beginning("seeds", SeedProblem, "seed_id")
PASSAGES = Beginning("passages", Passage, "passage_id")


def begun_at(beginning: Beginning, seeds: In[SeedProblem], passages: In[Passage]) -> Seeds:
    """The table that a recipe starts from. Raises BeginningError if it is empty and the other is not."""
    mine, other = (seeds, passages) if beginning is SEEDS else (passages, seeds)
    rows: Any = mine.read()
    if rows.is_empty() and other.rows():
        raise BeginningError(
            f"{mine.path} has no row, and {other.path} has {other.rows():,}; this recipe starts from "
            f"{beginning.flag}. Under `taught` in graph.yaml, name a table of them as `{beginning.flag}`, "
            f"and the empty table in data/raw/none for what it does not start from."
        )
    return rows
