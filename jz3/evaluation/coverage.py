"""How far the data cover a family: by seeds and texts, by texts alone, or not at all.

Recipes that start from seed problems see only the first group, those that start from texts see the second,
too: a mean over both would say more about the sources than about the recipes, so each group has its own
figures. No data hold a problem of the third group, because the teachers refuse it: it shows what is learnt
beyond the data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from jz3.tables.item import JOINED

SEEDS, TEXTS, NOTHING = "seeds and texts", "texts alone", "none"
GROUPS = (SEEDS, TEXTS, NOTHING)
HELD = "seeds or texts"
"""The first two groups together."""


@dataclass(frozen=True)
class Ground:
    """Which families the data of a run hold."""

    seeds: frozenset[str]
    """Families of the seeds, the instruction data and the targets."""
    untaught: frozenset[str]
    """Families that teachers refuse."""
    benchmarks: Sequence[str]
    """The benchmarks whose subjects are families."""

    def marked(self, grades: pl.DataFrame) -> pl.DataFrame:
        """The grades with a column `coverage`; an item that joins families has the lowest of theirs. It is
        null if the benchmark has no families, or if no family is known to be held or refused.
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
