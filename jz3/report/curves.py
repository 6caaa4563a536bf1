"""Curves of trainings: loss, learning rate and gradient norm by step, with a stage's trainings in one
plot.
"""

import math
from collections.abc import Mapping
from pathlib import PurePosixPath

import polars as pl
from markupsafe import Markup

from jz3.report.plots import DASHES, LINE, SERIES, drawing, markup
from jz3.report.rendering import folded, joined, paragraph, render

POINTS = 400  # chosen: for a longer run each point is a mean over neighbouring steps
OTHERS = (("learning_rate", "learning rate"), ("gradient_norm", "gradient norm"))


def loss_curves(curves: Mapping[str, pl.DataFrame]) -> Markup:
    """A drawing for each stage, such as `pretrain`, with all of its trainings; the loss has a log axis."""
    return joined(_loss(stage, trained) for stage, trained in _by_stage(curves).items())


def step_curves(curves: Mapping[str, pl.DataFrame]) -> Markup:
    """Learning rate and gradient norm of each stage's trainings, folded away."""
    return joined(
        _folded(stage, column, what, trained)
        for stage, trained in _by_stage(curves).items()
        if any(points.height for points in trained.values())
        for column, what in OTHERS
    )


def thinned(points: pl.DataFrame, column: str) -> pl.DataFrame:
    """At most POINTS rows of `step` and `value`, from rows where the column is finite."""
    finite = points.filter(pl.col(column).is_finite()).select(
        pl.col("step").cast(pl.Float64), value=pl.col(column)
    )
    size = math.ceil(finite.height / POINTS)
    if size <= 1:
        return finite
    place = pl.int_range(pl.len()) // size
    return finite.group_by(place.alias("place"), maintain_order=True).agg(pl.col("step", "value").mean())


def _by_stage(curves: Mapping[str, pl.DataFrame]) -> dict[str, dict[str, pl.DataFrame]]:
    """Curves of LossPoint by stage and by the training's name within it."""
    stages: dict[str, dict[str, pl.DataFrame]] = {}
    for name, points in curves.items():
        stage, *rest = PurePosixPath(name).parts
        stages.setdefault(stage, {})[" ".join(rest) or stage] = points
    return stages


def _loss(stage: str, trained: Mapping[str, pl.DataFrame]) -> Markup:
    empty = [
        paragraph(f"{stage} {name}: no step was taken.") for name, rows in trained.items() if rows.is_empty()
    ]
    taken = {name: rows for name, rows in trained.items() if rows.height}
    if not taken:
        return joined(empty)
    said = "; ".join(_said(name, rows) for name, rows in taken.items())
    figure = render(
        "figure.html",
        drawing=_plot(stage, "loss", "loss (nats a label token)", taken, log=True),
        caption=f"{stage}: loss by step on a logarithmic axis. {said}.",
    )
    return joined([figure, *empty])


def _folded(stage: str, column: str, what: str, trained: Mapping[str, pl.DataFrame]) -> Markup:
    title = f"{stage}: {what} by step"
    plot = _plot(stage, column, what, trained, log=False)
    return folded(title, render("figure.html", drawing=plot, caption=f"{title}."))


def _said(name: str, points: pl.DataFrame) -> str:
    first, last = points["loss"].item(0), points["loss"].item(-1)
    return (
        f"{name}: {points.height:,} steps, {points['tokens'].item(-1):,} tokens, from {first:.3f} at the "
        f"first step to {last:.3f} at the last"
    )


def _plot(stage: str, column: str, what: str, trained: Mapping[str, pl.DataFrame], *, log: bool) -> Markup:
    from matplotlib.ticker import MaxNLocator

    with drawing(7.2, 3.2) as figure:
        axes = figure.add_subplot()
        for place, (name, points) in enumerate(trained.items()):
            few = thinned(points, column)
            axes.plot(
                few["step"].to_list(),
                few["value"].to_list(),
                color=SERIES[place % len(SERIES)],
                linestyle=DASHES[place % len(DASHES)],
                linewidth=1.4,
                marker="o" if few.height == 1 else None,
                label=name,
            )
        if log and any((points[column] > 0).any() for points in trained.values()):
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("{x:g}" if _narrow(trained, column) else "")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.grid(axis="y", color=LINE)
        axes.set_xlabel("optimizer step")
        axes.set_ylabel(what)
        axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=4)
        return markup(figure, f"{stage}-{column}", f"{stage}: {what} by step of {', '.join(trained)}")


def _narrow(trained: Mapping[str, pl.DataFrame], column: str) -> bool:
    """Whether the values lie within a decade, so that only labelling powers of ten would give too few
    labels.
    """
    values = pl.concat([points[column] for points in trained.values()])
    values = values.filter(values.is_finite() & (values > 0))
    return values.is_empty() or float(values.max()) < 10 * float(values.min())  # pyright: ignore[reportArgumentType]
