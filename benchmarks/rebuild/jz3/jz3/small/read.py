"""Problems out of completions."""

import dataframely as dy
import polars as pl
from jz3.small.parsing import parse
from jz3.small.tables import Posed, Written


def posed(completions: dy.DataFrame[Written]) -> pl.DataFrame:
    """A table of Posed."""
    read = ((row_id, parse(text)) for row_id, text in completions.iter_rows())
    rows = [(row_id, *found) for row_id, found in read if found[0]]
    return pl.DataFrame(rows, Posed.create_empty().schema, orient="row")
