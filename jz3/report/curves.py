"""Loss curves as SVG."""

import math
from collections.abc import Mapping
from pathlib import PurePosixPath

import polars as pl

from jz3.report.markup import Html, classed, element, joined

WIDTH, HEIGHT = 640, 240
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 34
"""Margins of the drawing, where the ticks are named."""
POINTS = 400  # chosen: of a longer run each point is a mean over neighbouring steps
TICKS = 5


def loss_curves(curves: Mapping[str, pl.DataFrame]) -> Html:
    """A drawing for each training; they share no axis, as they differ in task and length."""
    return joined(_figure(name, points) for name, points in curves.items())


def _figure(name: str, points: pl.DataFrame) -> Html:
    title = " ".join(PurePosixPath(name).parts)
    if not points.height:
        return element("p", f"{title}: no step was taken.")
    first, last = points["loss"].item(0), points["loss"].item(-1)
    caption = (
        f"{title}, loss by step: {points.height:,} steps, {points['tokens'].item(-1):,} tokens, "
        f"loss {first:.3f} at the first step, {last:.3f} at the last (nats a label token)"
    )
    return element("figure", _drawing(_thinned(points), title), element("figcaption", caption))


def _thinned(points: pl.DataFrame) -> pl.DataFrame:
    """At most POINTS rows of step and finite loss."""
    finite = points.filter(pl.col("loss").is_finite()).select(pl.col("step").cast(pl.Float64), "loss")
    size = math.ceil(finite.height / POINTS)
    if size <= 1:
        return finite
    place = pl.int_range(pl.len()) // size
    return finite.group_by(place.alias("place"), maintain_order=True).agg(pl.col("step", "loss").mean())


def _drawing(points: pl.DataFrame, title: str) -> Html:
    steps, losses = points["step"].to_list(), points["loss"].to_list()
    across = _Axis(steps, LEFT, WIDTH - RIGHT)
    down = _Axis(losses, HEIGHT - BOTTOM, TOP)
    line = " ".join(
        f"{across.at(step):.1f},{down.at(loss):.1f}" for step, loss in zip(steps, losses, strict=True)
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
            "aria-label": f"loss by step of {title}",
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
