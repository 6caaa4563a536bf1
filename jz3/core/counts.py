"""How many rows a table has, in total and by the value of a column."""

import polars as pl


def row_count(rows: pl.LazyFrame) -> int:
    """The number of rows of a table, without reading its columns."""
    return rows.select(pl.len()).collect().item()


def counts(column: pl.Series) -> dict[str, int]:
    """The number of rows of each value, sorted by value."""
    return dict(sorted(column.cast(pl.String).value_counts().iter_rows()))
