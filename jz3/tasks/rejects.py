"""Rows of data sets that are turned away, each with its rule and what was there."""

from collections import Counter

import polars as pl

from jz3.raw.row import EVIDENCE_CHARACTERS, Row, whole
from jz3.tables.reject import Reject


class Rejects:
    """The rows that a stage turns away, as they come."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._rows: list[dict[str, str]] = []
        self._times: Counter[str] = Counter()

    def add(self, row_id: str, rule: str, evidence: str) -> None:
        """A row of an id, under a rule of the stage; equal ids are told apart by their count."""
        self._times[row_id] += 1
        again = f"#{self._times[row_id]}" if self._times[row_id] > 1 else ""
        shown = whole(evidence)[:EVIDENCE_CHARACTERS]
        self._rows.append({"row_id": row_id + again, "rule": f"{self._stage}.{rule}", "evidence": shown})

    def by_rule(self) -> dict[str, int]:
        """How many, by rule, in the order of the rules."""
        return dict(sorted(Counter(row["rule"] for row in self._rows).items()))

    def table(self) -> pl.DataFrame:
        """Table of Reject."""
        return pl.DataFrame(self._rows, schema=Reject.create_empty().schema)


def shown(place: str, row: Row) -> str:
    """A row as evidence: where it stands, and its fields as far as there is room."""
    return f"{place}: {', '.join(f'{name}: {value!r:.60}' for name, value in row.items())}"
