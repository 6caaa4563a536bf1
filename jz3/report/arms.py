"""The arms of the comparison: what each cost, and its scores, as a drawing and as a table."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
from markupsafe import Markup

from jz3.report.plots import LINE, ONE, SOFT, THREE, TWO, drawing, markup
from jz3.report.rendering import joined, paragraph, render, table
from jz3.report.scores import interval
from jz3.report.writing import count, per_cent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MILLION = 1e6

Row = Mapping[str, Any]


def budget_figure(arms: pl.DataFrame) -> Markup:
    """A drawing of the sets in order: accuracy with its 95 % interval, the teachers' tokens and the tokens of
    the set. The models of one set, which differ in their training seeds, are points on its line.

    `arms` are rows of Arm; those without an accuracy over families are left out, and the drawing is empty if
    none is left.
    """
    scored = _in_order(arms.drop_nulls("accuracy"))
    if not scored:
        return Markup()
    rivals = _rivals(scored)
    read = "; ".join(
        f"{row['model']} read {count(row['tokens_read'])} tokens in {row['passes']:.1f} passes"
        + (", more than four, so it is starved of data" if row["starved"] else "")
        for row in rivals
    )
    caption = (
        f"Accuracy over families with 95 % intervals over families, tokens that teachers took, and tokens of "
        f"the training set, each row once. {read}."
    )
    if len(rivals) < len(scored):
        caption += " Small points are further training seeds."
    seeds = {row["set"]: [one["accuracy"] for one in scored if one["set"] == row["set"]] for row in rivals}
    with drawing(7.2, height_of(rivals)) as figure:
        draw_in_order(figure, rivals, seeds)
        names = ", ".join(row["model"] for row in rivals)
        drawn = markup(figure, "arms", f"Accuracy and budgets of {names}")
    return render("figure.html", drawing=drawn, caption=caption)


def height_of(rows: Sequence[Row]) -> float:
    """Height of the drawing in inches (chosen: lines of text at their usual distance)."""
    return 0.9 + 0.28 * max(len(rows), 3)


def draw_in_order(figure: "Figure", rows: Sequence[Row], seeds: Mapping[str, Sequence[float]]) -> None:
    """Three panels with a line for each of `rows`, which are one model per set, from the first at the top.

    `seeds` are the accuracies of all models of a set.
    """
    first, second, third = figure.subplots(1, 3, sharey=True, width_ratios=(3, 1, 1))
    for place, row in enumerate(reversed(rows)):
        first.plot([row["low"], row["high"]], [place, place], color=ONE, linewidth=1.4)
        if len(points := seeds[row["set"]]) > 1:
            first.plot(points, [place] * len(points), "o", color=SOFT, markersize=2.5)
        first.plot([row["accuracy"]], [place], "D", color=ONE, markersize=4.5)
        second.barh(place, row["teacher_tokens"] / MILLION, color=TWO, height=0.5)
        third.barh(place, row["tokens"] / MILLION, color=THREE, height=0.5)
    first.set_yticks(range(len(rows)), [row["set"] for row in reversed(rows)])
    first.set_xlim(left=0)
    first.grid(axis="x", color=LINE)
    first.set_xlabel("accuracy (per cent)")
    second.set_xlabel("teachers' tokens (M)")
    third.set_xlabel("tokens of the set (M)")


def _in_order(arms: pl.DataFrame) -> list[Row]:
    """The rows, the best first."""
    by_accuracy = arms.sort("accuracy", "model", descending=[True, False], nulls_last=True)
    return list(by_accuracy.iter_rows(named=True))


def _rivals(rows: Sequence[Row]) -> list[Row]:
    """For each set the model with the smallest training seed, in the order of the rows."""
    least = {
        name: min(row["seed"] for row in rows if row["set"] == name) for name in {row["set"] for row in rows}
    }
    first: dict[str, Row] = {}
    for row in rows:
        if row["seed"] == least[row["set"]]:
            first.setdefault(row["set"], row)
    return list(first.values())


def arm_tables(
    arms: pl.DataFrame, spread: pl.DataFrame, operators: pl.DataFrame, overlaps: pl.DataFrame
) -> Markup:
    """Tables from rows of Arm, SeedSpread, OperatorYield and Overlap: a column for each set, with the figures
    of its model with the smallest training seed; then the effect of training seeds, the operators and the
    overlaps.
    """
    rows = _rivals(_in_order(arms))
    head = ["figure", *(row["model"] for row in rows)]
    lines = [[name, *(shown(row) for row in rows)] for name, shown in FIGURES.items()]
    return joined(
        [
            table("Arms: rows, budgets, answers and scores", head, lines, frozenset(head[1:])),
            _spread(spread),
            _operators(operators),
            _overlaps(overlaps),
        ]
    )


def _spread(spread: pl.DataFrame) -> Markup:
    several = spread.filter(pl.col("models") > 1)
    if several.is_empty():
        return paragraph("One training seed for each set: how far scores move with it is not known.")
    head = ["benchmark", "setting", "set", "trainings", "mean", "least", "greatest", "standard deviation"]
    lines = [
        [
            row["benchmark"] if row["group"] == "all" else f"{row['benchmark']}: {row['group']}",
            row["setting"],
            row["set"],
            count(row["models"]),
            *(f"{row[name]:.1f}" for name in ("accuracy", "least", "greatest", "deviation")),
        ]
        for row in several.iter_rows(named=True)
    ]
    title = "Accuracy over training seeds (per cent; the intervals elsewhere are of one training)"
    return table(title, head, lines, frozenset(head[3:]))


def _operators(operators: pl.DataFrame) -> Markup:
    if operators.is_empty():
        return paragraph("No teacher wrote for any arm.")
    head = ["arm", "stage", "operator", "rows", "kept", "share"]
    lines = [
        [
            *(row[name] for name in ("set", "stage", "operator")),
            count(row["asked"]),
            count(row["kept"]),
            _share(row["kept"], row["asked"]),
        ]
        for row in operators.iter_rows(named=True)
    ]
    return table("Kept by operator", head, lines, frozenset(head[3:]))


def _overlaps(overlaps: pl.DataFrame) -> Markup:
    rows = overlaps.filter(pl.col("questions") > 0)
    if rows.is_empty():
        return paragraph("No two arms have questions that could be the same.")
    head = ["arm", "in the arm", "different questions", "shared", "share"]
    lines = [
        [
            row["set"],
            row["against"],
            count(row["questions"]),
            count(row["shared"]),
            _share(row["shared"], row["questions"]),
        ]
        for row in rows.iter_rows(named=True)
    ]
    return table("Synthetic questions of an arm that another has, too", head, lines, frozenset(head[2:]))


def _share(part: int, whole: int) -> str:
    return per_cent(part / whole) if whole else ""


def _counted(name: str) -> Callable[[Row], str]:
    return lambda row: "not known" if row[name] is None else count(row[name])


def _of_synthetic(name: str) -> Callable[[Row], str]:
    return lambda row: _share(row[name], row["synthetic_rows"])


def _rounded(name: str, places: int = 1) -> Callable[[Row], str]:
    return lambda row: "" if row[name] is None else f"{row[name]:.{places}f}"


def _accuracy(row: Row) -> Markup | str:
    if row["accuracy"] is None:
        return ""
    return interval(f"{row['accuracy']:.1f}", f"{row['low']:.1f} to {row['high']:.1f}")


def _passes(row: Row) -> str:
    return f"{row['passes']:.1f}" + (" (starved)" if row["starved"] else "")


def _cost(row: Row) -> str:
    return "no price known" if row["cost_usd"] is None else f"${row['cost_usd']:,.2f}"


FIGURES: Mapping[str, Callable[[Row], str]] = {
    "rows": _counted("rows"),
    "of the recipe": _counted("synthetic_rows"),
    "different questions": _counted("questions"),
    "tokens of the set": _counted("tokens"),
    "with loss": _counted("label_tokens"),
    "tokens read": _counted("tokens_read"),
    "passes": _passes,
    "answers of teachers": _counted("teacher_requests"),
    "tokens of teachers": _counted("teacher_tokens"),
    "kept of these": _counted("teacher_tokens_kept"),
    "cost": _cost,
    "tokens of students": _counted("student_tokens"),
    "mean distance of questions": _rounded("distance", 3),
    "gain over the instruction data": _rounded("gain", 3),
    "answers confirmed by gold": _of_synthetic("by_gold"),
    "by execution": _of_synthetic("by_execution"),
    "by nothing": _of_synthetic("unconfirmed"),
    "wrong of those checked": lambda row: _share(row["checked"] - row["right"], row["checked"]),
    "accuracy over families": _accuracy,
    "families of seeds and texts": _rounded("seeds_and_texts"),
    "families of texts alone": _rounded("texts_alone"),
    "families of no data": _rounded("no_data"),
    "asked backward": _rounded("backward"),
    "two joined": _rounded("composed"),
    "by plain math-verify": _rounded("accuracy_math_verify"),
    "in prose": _rounded("prose"),
    "by program": _rounded("tool"),
    "tokens of an answer": _rounded("answer_tokens"),
    "answers cut at the limit (per cent)": _rounded("truncated"),
}
"""Figures of an arm, by their names on the page."""
