"""Two models on the same items: of a benchmark, of a group of its families, and on average over families.

A difference has a percentile bootstrap interval, over items or over families; on items the exact McNemar test
says whether it is significant, corrected for the number of pairs of models (Holm).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import polars as pl

from jz3.core.hashing import draw_order
from jz3.evaluation.coverage import GROUPS
from jz3.evaluation.intervals import Floats, Resampling, floats, interval, unit_means
from jz3.evaluation.mcnemar import exact_p_value, least_lead
from jz3.evaluation.shares import holm
from jz3.tables.comparison import Comparison

ALL_ITEMS = "all"
"""The name, in ScoreRow and Comparison, for all items of a benchmark together."""


@dataclass(frozen=True)
class Compared:
    """What two models are compared on."""

    benchmark: str
    group: str
    setting: str


def comparisons(grades: pl.DataFrame, families: str | None, params: Resampling) -> pl.DataFrame:
    """Each pair of models on each benchmark and setting, and over all families and those of each group."""
    rows = _of_group(grades, ALL_ITEMS, families, params)
    of_families = grades.filter(pl.col("benchmark") == families)
    for group in GROUPS:
        rows += _of_group(of_families.filter(pl.col("coverage") == group), group, families, params)
    return pl.DataFrame(rows, schema=Comparison.create_empty().schema)


def _of_group(
    grades: pl.DataFrame, group: str, families: str | None, params: Resampling
) -> list[dict[str, Any]]:
    rows = [
        row
        for (benchmark, setting), items in grades.group_by(["benchmark", "setting"], maintain_order=True)
        for row in _on_items(Compared(str(benchmark), group, str(setting)), items, params)
    ]
    return rows + _over_families(grades.filter(pl.col("benchmark") == families), group, params)


def _by_model(
    grades: pl.DataFrame, units_of: Callable[[pl.DataFrame], pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    """The units of each model, which are computed once for all of its pairs."""
    return {
        str(model): units_of(of_model) for (model,), of_model in grades.group_by("model", maintain_order=True)
    }


def _item_means(grades: pl.DataFrame) -> pl.DataFrame:
    return grades.group_by("item_id").agg(pl.col("correct").mean()).sort("item_id")


def _on_items(on: Compared, items: pl.DataFrame, params: Resampling) -> list[dict[str, Any]]:
    """Each pair of models on one benchmark in one setting, with p-values corrected for the number of
    pairs.
    """
    means = _by_model(items, _item_means)
    rows = [_comparison(on, means, pair, params) for pair in combinations(means, 2)]
    corrected = holm([row["p_value"] for row in rows])
    return [row | {"p_holm": p_holm} for row, p_holm in zip(rows, corrected, strict=True)]


def _comparison(
    on: Compared, means: Mapping[str, pl.DataFrame], pair: tuple[str, str], params: Resampling
) -> dict[str, Any]:
    ours, theirs = _paired(means, pair)
    wins, losses = int((ours > theirs).sum()), int((theirs > ours).sum())
    lead = least_lead(wins + losses)
    return _difference(ours - theirs, on, pair, params) | {
        "items": len(ours),
        "p_value": exact_p_value(wins, losses),
        "least_difference": None if lead is None else 100 * lead / len(ours),
    }


def _over_families(grades: pl.DataFrame, group: str, params: Resampling) -> list[dict[str, Any]]:
    """Each pair's macro averages; the interval resamples families, each with the answers of both models."""
    means = _by_model(grades, lambda of_model: unit_means(of_model, "subject"))
    items = grades["item_id"].n_unique()
    rows: list[dict[str, Any]] = []
    for pair in combinations(means, 2):
        ours, theirs = _paired(means, pair)
        on = Compared(str(grades["benchmark"].first()), group, "both")
        rows.append(
            _difference(ours - theirs, on, pair, params)
            | {"items": items, "p_value": None, "p_holm": None, "least_difference": None}
        )
    return rows


def _paired(units: Mapping[str, pl.DataFrame], pair: tuple[str, str]) -> tuple[Floats, Floats]:
    """`correct` of the units that both models answered, in the same order."""
    first, second = (units[name] for name in pair)
    unit = first.columns[0]
    joined = first.join(second, on=unit, suffix="_against").sort(unit)
    return floats(joined, "correct"), floats(joined, "correct_against")


def _difference(
    differences: Floats, on: Compared, pair: tuple[str, str], params: Resampling
) -> dict[str, Any]:
    of_group = () if on.group == ALL_ITEMS else (on.group,)
    seed = draw_order(params.seed, "/".join((on.benchmark, on.setting, *of_group, *pair)))
    low, high = interval(differences, params.resamples, seed)
    return {
        "benchmark": on.benchmark,
        "group": on.group,
        "setting": on.setting,
        "model": pair[0],
        "against": pair[1],
        "difference": 100 * float(differences.mean()),
        "low": low,
        "high": high,
    }
