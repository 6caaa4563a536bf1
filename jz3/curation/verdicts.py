"""Tables of verdicts: what the curation stages and the mix share.

`execute`, `filter` and `decontaminate` leave a verdict for each row that they read, `dedup` for each row kept
until then. A row is kept if no table has a verdict with a rule for it.
"""

from collections.abc import Sequence

import polars as pl

from jz3.tables.ledger import Ledger
from jz3.tables.verdict import Verdict

VERDICT_SCHEMA = Verdict.create_empty().schema

EVIDENCE_CHARACTERS = 200
"""Characters of a text that are shown as evidence (chosen: a line or two)."""


def shown(text: str) -> str:
    """A text, shortened to be shown as evidence."""
    return text if len(text) <= EVIDENCE_CHARACTERS else f"{text[: EVIDENCE_CHARACTERS - 3]}..."


def rejected_ids(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Column `problem_id`: the rows that some verdict rejects."""
    ids = [table.filter(pl.col("rule").is_not_null()).select(problem_id="row_id") for table in tables]
    return pl.concat([pl.DataFrame(schema={"problem_id": pl.String}), *ids]).unique()


def rules_by_row(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Columns `problem_id`, `rule`: each rejected row, with the rule of the first table that rejects it."""
    rules = [table.drop_nulls("rule").select("rule", problem_id="row_id") for table in tables]
    none = pl.DataFrame(schema={"rule": pl.String, "problem_id": pl.String})
    return pl.concat([none, *rules]).unique("problem_id", keep="first", maintain_order=True)


def verdict_ledger(verdicts: pl.DataFrame, read: int) -> Ledger:
    """The account of a stage that read `read` rows and left these verdicts."""
    rules = verdicts["rule"].drop_nulls()
    return Ledger(
        read=read,
        kept=verdicts["rule"].null_count(),
        rejected=dict(sorted(rules.value_counts().iter_rows())),
        failed=0,
    )
