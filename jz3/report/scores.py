"""The evaluation tables with their intervals, and the comparison of models."""

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from jz3.report.rendering import folded, joined, paragraph, render, table, titled
from jz3.report.writing import count

PARTS = {
    "average": "Averages",
    "all": "Benchmarks",
    "samples": "Several answers to each item",
    "macro": "Macro over families, by what the data hold of them",
    "coverage": "By what the data hold of the family",
    "level": "By level",
}
KEYS = ["benchmark", "group", "setting"]
NUMBERS = frozenset({"items", "accuracy", "lenient", "math-verify", "clean (items)"})
COMPARED = [
    "benchmark",
    "models",
    "difference",
    "on a scale",
    "items",
    "p (McNemar, Holm)",
    "least difference",
]
POINTS = 50.0
"""Points of difference at either end of the scale (chosen); a longer interval is cut there."""


def score_tables(scores: pl.DataFrame) -> Markup:
    """A table for each grouping; the long one by family opens on a click."""
    shown = [
        titled(title, _table(title, rows))
        for group_by, title in PARTS.items()
        if (rows := scores.filter(pl.col("group_by") == group_by)).height
    ]
    subjects = scores.filter(pl.col("group_by") == "subject")
    if subjects.height:
        shown.append(folded("By subject or family", _table("By subject or family", subjects)))
    return joined([*shown, *_certificates(scores)])


def _certificates(scores: pl.DataFrame) -> list[Markup]:
    """The certificates of the set that each model was trained on."""
    named = scores.select("model", "certificate").unique().sort("model", "certificate")
    return [
        paragraph(f"Certificates of the training set of {model}: {certificate}.", "note")
        for model, certificate in named.iter_rows()
    ]


def _table(caption: str, rows: pl.DataFrame) -> Markup:
    head = [
        "benchmark",
        "model",
        "accuracy",
        "on a scale",
        "items",
        "lenient",
        "math-verify",
        "clean (items)",
    ]
    lines = [_line(row) for row in rows.sort(*KEYS, "model").iter_rows(named=True)]
    return table(f"{caption}: accuracy in per cent, its 95 % interval below it", head, lines, NUMBERS)


def _line(row: Mapping[str, Any]) -> list[str]:
    return [
        what(row),
        row["model"],
        interval(f"{row['accuracy']:.1f}", f"{row['low']:.1f} to {row['high']:.1f}"),
        interval_bar(row["low"], row["accuracy"], row["high"]),
        count(row["items"]),
        f"{row['accuracy_lenient']:.1f}",
        f"{row['accuracy_math_verify']:.1f}",
        _clean(row),
    ]


def what(row: Mapping[str, Any]) -> Markup:
    """The benchmark, its group if that is not all items, and the setting."""
    group = row.get("group", "all")
    return render(
        "what.html", name=row["benchmark"], more=[*([group] if group != "all" else []), row["setting"]]
    )


def interval(estimate: str, ends: str) -> Markup:
    """An estimate with its interval below it."""
    return render("interval.html", estimate=estimate, ends=ends)


def _clean(row: Mapping[str, Any]) -> str:
    """Accuracy on the items without a hit, and the number of these."""
    if row["contamination"] == "unchecked":
        return "unchecked"
    accuracy = "none" if row["accuracy_clean"] is None else f"{row['accuracy_clean']:.1f}"
    return f"{accuracy} ({count(row['clean_items'])})"


def interval_bar(low: float, middle: float, high: float, zero: float | None = None) -> Markup:
    """An interval on a scale from 0 to 100, with a dot for the estimate and a mark at `zero`."""
    return render("estimate.html", low=low, middle=middle, high=high, zero=zero)


def comparison_table(comparisons: pl.DataFrame, caption: str = "Models compared on the same items") -> Markup:
    """Differences in points of accuracy with their intervals, the exact McNemar test corrected for the number
    of pairs, and the smallest difference that this test would call significant.
    """
    rows = comparisons.sort("benchmark", "group", "setting", "model", "against").iter_rows(named=True)
    lines = [
        [
            what(row),
            render("what.html", name=row["model"], more=[f"minus {row['against']}"]),
            interval(f"{row['difference']:+.1f}", f"{row['low']:+.1f} to {row['high']:+.1f}"),
            interval_bar(*(_on_scale(row[name]) for name in ("low", "difference", "high")), zero=50.0),
            count(row["items"]),
            "" if row["p_holm"] is None else f"{row['p_holm']:.2g}",
            "" if row["least_difference"] is None else f"{row['least_difference']:.1f}",
        ]
        for row in rows
    ]
    return table(caption, COMPARED, lines, frozenset(COMPARED[2:]) - {"on a scale"})


def _on_scale(points: float) -> float:
    """A difference in points as a position from 0 to 100, with 50 for no difference."""
    return 50 + 50 * max(-1.0, min(1.0, points / POINTS))
