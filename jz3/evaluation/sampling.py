"""Scores of several answers to each item: unbiased pass@k, and the majority vote.

pass@k is the probability that at least one of k answers, drawn from the n that there are, is right:
1 - C(n-c, k) / C(n, k) if c are right (Chen et al. 2021). The vote counts answers that are equal by our
equality, not by their text; of several with most votes the one that came first wins; a missing answer has no
vote.
"""

from math import comb

import polars as pl

VERDICTS = ("correct", "correct_lenient", "second_opinion")
"""Columns of a grade: by our rules after strict and after lenient extraction, and by plain math-verify."""


def by_samples(grades: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Scores of each item, by `pass@2`, `pass@4` ... and `majority@n`; empty if each item has one answer.

    `grades` are of one model, benchmark and setting. The tables have the columns `item_id`, `correct`,
    `correct_lenient`, `second_opinion` (from 0 to 1) and `contamination`.
    """
    samples = grades.group_by("item_id").len()["len"].min()
    if not isinstance(samples, int) or samples < 2:
        return {}
    ks = [2**power for power in range(1, samples.bit_length()) if 2**power < samples]
    scores = {f"pass@{k}": _pass(grades, k) for k in [*ks, samples]}
    return scores | {f"majority@{samples}": _majority(grades)}


def pass_at(k: int, answers: int, right: int) -> float:
    """The chance that k of the answers hold a right one.

    >>> pass_at(1, 4, 1), pass_at(2, 4, 1)
    (0.25, 0.5)
    """
    return 1.0 - comb(answers - right, k) / comb(answers, k)


def _pass(grades: pl.DataFrame, k: int) -> pl.DataFrame:
    counts = grades.group_by("item_id").agg(
        pl.len(),
        pl.col(VERDICTS).sum(),
        pl.col("contamination").first(),
    )
    rows = [
        {
            "item_id": row["item_id"],
            **{verdict: pass_at(k, row["len"], row[verdict]) for verdict in VERDICTS},
            "contamination": row["contamination"],
        }
        for row in counts.sort("item_id").iter_rows(named=True)
    ]
    return pl.DataFrame(rows)


def _majority(grades: pl.DataFrame) -> pl.DataFrame:
    votes = grades.group_by("item_id", "same_as").agg(pl.len().alias("votes")).drop_nulls("same_as")
    chosen = votes.sort("votes", "same_as", descending=[True, False]).unique(
        "item_id", keep="first", maintain_order=True
    )
    winners = chosen.join(grades, left_on=["item_id", "same_as"], right_on=["item_id", "draw"], how="left")
    items = grades.group_by("item_id").agg(pl.col("contamination").first())
    found = items.join(winners.select("item_id", *VERDICTS), on="item_id", how="left")
    return found.with_columns(pl.col(VERDICTS).fill_null(value=False).cast(pl.Float64)).sort("item_id")
