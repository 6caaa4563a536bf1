"""The evaluation tables with their intervals, and the comparison of models."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from jz3.report.markup import Html, element, folded, joined, table
from jz3.report.writing import count

PARTS = {
    "average": "Averages",
    "all": "Benchmarks",
    "samples": "Several answers to each item",
    "coverage": "By coverage of the instruction data",
    "level": "By level",
}
KEYS = ["benchmark", "group", "setting"]
NUMBERS = frozenset({"items", "accuracy", "95 % interval", "lenient", "clean (items)"})


def score_tables(scores: pl.DataFrame) -> Html:
    """A table for each grouping; the long one by family opens on a click."""
    shown = [
        joined([element("h3", title), _table(rows)])
        for group_by, title in PARTS.items()
        if (rows := scores.filter(pl.col("group_by") == group_by)).height
    ]
    subjects = scores.filter(pl.col("group_by") == "subject")
    if subjects.height:
        shown.append(folded("By subject or family", _table(subjects)))
    return joined(shown)


def _table(rows: pl.DataFrame) -> Html:
    head = [
        "benchmark",
        "group",
        "setting",
        "model",
        "items",
        "accuracy",
        "95 % interval",
        "",
        "lenient",
        "clean (items)",
        "certificates",
    ]
    lines = [_line(row) for row in rows.sort(*KEYS, "model").iter_rows(named=True)]
    return table(head, lines, NUMBERS)


def _line(row: Mapping[str, Any]) -> list[str]:
    return [
        row["benchmark"],
        row["group"],
        row["setting"],
        row["model"],
        count(row["items"]),
        f"{row['accuracy']:.1f}",
        f"{row['low']:.1f} to {row['high']:.1f}",
        interval_bar(row["low"], row["accuracy"], row["high"]),
        f"{row['accuracy_lenient']:.1f}",
        _clean(row),
        row["certificate"],
    ]


def _clean(row: Mapping[str, Any]) -> str:
    """Accuracy on the items without a hit, and how many these are."""
    if row["contamination"] == "unchecked":
        return "unchecked"
    accuracy = "none" if row["accuracy_clean"] is None else f"{row['accuracy_clean']:.1f}"
    return f"{accuracy} ({count(row['clean_items'])})"


def interval_bar(low: float, middle: float, high: float) -> Html:
    """An interval of per cent on a scale from 0 to 100, its estimate as a dot."""
    line = {"x1": f"{low:.1f}", "x2": f"{high:.1f}", "y1": 6, "y2": 6}
    return element(
        "svg",
        element("line", attributes={"x1": 0, "x2": 100, "y1": 6, "y2": 6, "class": "scale"}),
        element("line", attributes=line | {"class": "interval"}),
        element("circle", attributes={"cx": f"{middle:.1f}", "cy": 6, "r": 3}),
        attributes={"viewBox": "-4 0 108 12", "class": "estimate", "aria-hidden": "true"},
    )


def comparison_table(comparisons: pl.DataFrame) -> Html:
    """Differences in points of accuracy with their intervals and the exact McNemar test."""
    head = ["benchmark", "setting", "model", "against", "items", "difference", "95 % interval", "p (McNemar)"]
    lines = [
        [
            row["benchmark"],
            row["setting"],
            row["model"],
            row["against"],
            count(row["items"]),
            f"{row['difference']:+.1f}",
            f"{row['low']:+.1f} to {row['high']:+.1f}",
            f"{row['p_value']:.2g}",
        ]
        for row in comparisons.sort("benchmark", "setting", "model", "against").iter_rows(named=True)
    ]
    return table(head, lines, frozenset(head[4:]))
