"""Where a recipe begins: at seed problems, which have gold answers, or at passages, which have none.

`augment` is given a table of each. That in which a recipe does not begin is the empty one of data/raw/none.
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
    """A recipe is given no row to begin at, and rows of the other kind."""


@dataclass(frozen=True)
class Beginning:
    """A kind of table that a recipe begins at."""

    flag: str
    """Of the command of `augment`, and the key of a recipe in `taught` of the graph."""
    table: type[SeedProblem] | type[Passage]
    key: str

    def with_gold(self) -> pl.Expr:
        """The rows that a recipe can begin at; every passage is one."""
        return pl.col("answer").is_not_null() if self.table is SeedProblem else pl.lit(value=True)

    def shown(self, row: Mapping[str, Any]) -> str:
        """What a reader knows a row by: a question, or how a passage begins."""
        return row["question"] if self.table is SeedProblem else row["text"][:EVIDENCE_CHARACTERS]

    def read(self, path: Path) -> Seeds:
        """A table of the kind."""
        return In(self.table, path).read()  # type: ignore[return-value] # one of the two

    def cast(self, rows: pl.DataFrame) -> Seeds:
        """Rows of the table, as such."""
        return self.table.cast(rows)  # type: ignore[return-value] # one of the two


SEEDS = Beginning("seeds", SeedProblem, "seed_id")
PASSAGES = Beginning("passages", Passage, "passage_id")


def begun_at(beginning: Beginning, seeds: In[SeedProblem], passages: In[Passage]) -> Seeds:
    """The table that a recipe begins at. Raises BeginningError where it is empty and the other is not."""
    mine, other = (seeds, passages) if beginning is SEEDS else (passages, seeds)
    rows: Any = mine.read()
    if rows.is_empty() and other.rows():
        raise BeginningError(
            f"{mine.path} has no row, and {other.path} has {other.rows():,}; this recipe begins at "
            f"{beginning.flag}. Name a table of them under `taught` in graph.yaml, `{beginning.flag}`, "
            f"and for what it does not begin at the empty table in data/raw/none."
        )
    return rows
