"""How many rows a table has, in all and by the value of a column."""

import polars as pl


def row_count(rows: pl.LazyFrame) -> int:
    """Rows of a table that is not read."""
    return rows.select(pl.len()).collect().item()


def counts(column: pl.Series) -> dict[str, int]:
    """Rows by value, sorted by it."""
    return dict(sorted(column.cast(pl.String).value_counts().iter_rows()))
