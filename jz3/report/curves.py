"""Curves of trainings as SVG: loss, learning rate, gradient norm by step."""

import math
from collections.abc import Mapping
from pathlib import PurePosixPath

import polars as pl

from jz3.report.markup import Html, classed, element, folded, joined

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 34
"""Margins of the drawing, where the ticks are named."""
POINTS = 400  # chosen: of a longer run each point is a mean over neighbouring steps
TICKS = 5


def loss_curves(curves: Mapping[str, pl.DataFrame]) -> Html:
    """A drawing for each training; they share no axis, as they differ in task and length."""
    return joined(_figure(name, points) for name, points in curves.items())


def step_curves(curves: Mapping[str, pl.DataFrame]) -> Html:
    """Learning rate and gradient norm of each training, folded away."""
    return joined(
        folded(f"{_title(name)}, {what} by step", _drawing(_thinned(points, column), f"{what} of {name}"))
        for name, points in curves.items()
        if points.height
        for column, what in (("learning_rate", "learning rate"), ("gradient_norm", "gradient norm"))
    )


def _figure(name: str, points: pl.DataFrame) -> Html:
    title = _title(name)
    if not points.height:
        return element("p", f"{title}: no step was taken.")
    first, last = points["loss"].item(0), points["loss"].item(-1)
    caption = (
        f"{title}, loss by step: {points.height:,} steps, {points['tokens'].item(-1):,} tokens, "
        f"loss {first:.3f} at the first step, {last:.3f} at the last (nats a label token)"
    )
    drawing = _drawing(_thinned(points, "loss"), f"loss by step of {title}")
    return element("figure", drawing, element("figcaption", caption))


def _title(name: str) -> str:
    return " ".join(PurePosixPath(name).parts)


def _thinned(points: pl.DataFrame, column: str) -> pl.DataFrame:
    """At most POINTS rows of `step` and `value`, where the column is finite."""
    finite = points.filter(pl.col(column).is_finite()).select(
        pl.col("step").cast(pl.Float64), value=pl.col(column)
    )
    size = math.ceil(finite.height / POINTS)
    if size <= 1:
        return finite
    place = pl.int_range(pl.len()) // size
    return finite.group_by(place.alias("place"), maintain_order=True).agg(pl.col("step", "value").mean())


def _drawing(points: pl.DataFrame, label: str) -> Html:
    steps, values = points["step"].to_list(), points["value"].to_list()
    across = _Axis(steps, LEFT, WIDTH - RIGHT)
    down = _Axis(values, HEIGHT - BOTTOM, TOP)
    line = " ".join(
        f"{across.at(step):.1f},{down.at(value):.1f}" for step, value in zip(steps, values, strict=True)
    )
    return element(
        "svg",
        *(_level(value, down) for value in down.ticks()),
        *(_step(value, across) for value in across.ticks()),
        element("polyline", attributes={"points": line, "class": "curve"}),
        attributes={
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "class": "plot",
            "role": "img",
            "aria-label": label,
        },
    )


class _Axis:
    """Values to places, from the least value at `start` to the greatest at `end`."""

    def __init__(self, values: list[float], start: float, end: float) -> None:
        self.low, self.high = (min(values), max(values)) if values else (0.0, 1.0)
        if self.low == self.high:
            self.low, self.high = self.low - 0.5, self.high + 0.5
        self.start, self.end = start, end

    def at(self, value: float) -> float:
        return self.start + (self.end - self.start) * (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """Round values inside, about TICKS of them."""
        rough = (self.high - self.low) / TICKS
        power = 10.0 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        first, last = math.ceil(self.low / step), math.floor(self.high / step)
        return [number * step for number in range(first, last + 1)]


def _level(value: float, axis: _Axis) -> Html:
    y = f"{axis.at(value):.1f}"
    rule = element("line", attributes={"x1": LEFT, "x2": WIDTH - RIGHT, "y1": y, "y2": y})
    label = element("text", f"{value:g}", attributes={"x": LEFT - 6, "y": f"{axis.at(value) + 4:.1f}"})
    return classed("g", "level", rule, label)


def _step(value: float, axis: _Axis) -> Html:
    x = f"{axis.at(value):.1f}"
    label = element(
        "text", f"{value:,g}" if value < 1e6 else f"{value:.3g}", attributes={"x": x, "y": HEIGHT - 12}
    )
    return classed("g", "step", label)
