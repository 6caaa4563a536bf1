"""Where plain math-verify, the second opinion, gives another verdict than our rules."""

import polars as pl

from jz3.tables.disagreement import Disagreement


def disagreements_of(grades: pl.DataFrame) -> pl.DataFrame:
    """Table of Disagreement from the grades of all models, which have a column `model`.

    A response without an answer is nobody's disagreement.
    """
    differing = grades.filter(
        pl.col("correct") != pl.col("second_opinion"), pl.col("predicted").is_not_null()
    )
    return differing.select(Disagreement.create_empty().columns)
