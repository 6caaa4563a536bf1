"""What the data hold of a family: seeds and texts, texts alone, or nothing.

Recipes that begin with seed problems see the first group alone, those that begin with texts see the second,
too: a mean over both tells more of the grounds than of the recipes, so each group has its own figures. Of the
third no data hold a problem, as the teachers refuse it: it shows what is learnt beyond the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from jz3.tables.item import JOINED

SEEDS, TEXTS, NOTHING = "seeds and texts", "texts alone", "none"
GROUPS = (SEEDS, TEXTS, NOTHING)
HELD = "seeds or texts"
"""The first two together."""


@dataclass(frozen=True)
class Ground:
    """What the data of a run hold."""

    seeds: frozenset[str]
    """Families of the seeds, the instruction data and the targets."""
    untaught: frozenset[str]
    """Families that teachers refuse."""
    benchmarks: Sequence[str]
    """Those whose subjects are families."""

    def marked(self, grades: pl.DataFrame) -> pl.DataFrame:
        """The grades with a column `coverage`: of an item that joins families, the least of theirs; null
        where the benchmark has no families, or no family is known to be held or refused.
        """
        families = pl.col("subject").str.split(JOINED)
        refused = families.list.eval(pl.element().is_in(sorted(self.untaught))).list.any()
        seeded = families.list.eval(pl.element().is_in(sorted(self.seeds))).list.all()
        group = (
            pl.when(refused).then(pl.lit(NOTHING)).when(seeded).then(pl.lit(SEEDS)).otherwise(pl.lit(TEXTS))
        )
        known = (
            pl.lit(bool(self.seeds | self.untaught))
            & pl.col("benchmark").is_in(self.benchmarks)
            & pl.col("subject").is_not_null()
        )
        return grades.with_columns(coverage=pl.when(known).then(group))
