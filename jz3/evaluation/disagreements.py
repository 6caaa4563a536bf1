"""Responses on which plain math-verify, the second opinion, and our rules disagree."""

import polars as pl

from jz3.tables.disagreement import Disagreement


def disagreements_of(grades: pl.DataFrame) -> pl.DataFrame:
    """Table of Disagreement from the grades of all models, which have a column `model`.

    A response without an answer is left out.
    """
    differing = grades.filter(
        pl.col("correct") != pl.col("second_opinion"), pl.col("predicted").is_not_null()
    )
    return differing.select(Disagreement.create_empty().columns)
