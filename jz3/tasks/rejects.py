"""Rows of data sets that are rejected, each with its rule and content."""

from collections import Counter

import polars as pl

from jz3.raw.row import EVIDENCE_CHARACTERS, Row, whole
from jz3.tables.reject import Reject


class Rejects:
    """The rows that a stage rejects, in order."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._rows: list[dict[str, str]] = []
        self._times: Counter[str] = Counter()

    def add(self, row_id: str, rule: str, evidence: str) -> None:
        """Add a row under a rule of the stage; a count distinguishes equal ids."""
        self._times[row_id] += 1
        again = f"#{self._times[row_id]}" if self._times[row_id] > 1 else ""
        shown = whole(evidence)[:EVIDENCE_CHARACTERS]
        self._rows.append({"row_id": row_id + again, "rule": f"{self._stage}.{rule}", "evidence": shown})

    def by_rule(self) -> dict[str, int]:
        """The number of rejects by rule, in the order of the rules."""
        return dict(sorted(Counter(row["rule"] for row in self._rows).items()))

    def table(self) -> pl.DataFrame:
        """Table of Reject."""
        return pl.DataFrame(self._rows, schema=Reject.create_empty().schema)


def shown(place: str, row: Row) -> str:
    """A row as evidence: its location, and as many of its fields as there is room for."""
    return f"{place}: {', '.join(f'{name}: {value!r:.60}' for name, value in row.items())}"
