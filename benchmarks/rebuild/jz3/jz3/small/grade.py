"""Whether answers are right."""

import dataframely as dy
import polars as pl
from jz3.small.grading import is_right
from jz3.small.tables import Posed


def graded(problems: dy.DataFrame[Posed]) -> pl.DataFrame:
    """A table of Graded."""
    rights = [is_right(problem, answer) for _, problem, answer in problems.iter_rows()]
    return problems.with_columns(right=pl.Series(rights, dtype=pl.Boolean))
