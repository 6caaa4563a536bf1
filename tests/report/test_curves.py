"""Curves keep within their drawing, however long and whatever their losses."""

import math
import re

import polars as pl
import pytest

from jz3.report.curves import BOTTOM, HEIGHT, LEFT, POINTS, RIGHT, TOP, WIDTH, loss_curves, step_curves
from tests.report.builders import curve


def points_of(figure):
    (line,) = re.findall(r'points="([^"]*)"', figure)
    return [tuple(map(float, point.split(","))) for point in line.split()]


@pytest.mark.parametrize("steps", [1, 2, 30, 1999])
def test_every_point_lies_inside_the_axes(steps):
    points = points_of(loss_curves({"warmup": curve(steps)}))
    assert 0 < len(points) <= min(steps, POINTS)
    assert all(LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM for x, y in points)


def test_a_loss_that_falls_is_drawn_falling():
    heights = [y for _, y in points_of(loss_curves({"warmup": curve()}))]
    assert heights == sorted(heights), "y grows downwards in a drawing"


def test_a_loss_that_is_no_number_is_left_out():
    broken = curve().with_columns(loss=pl.when(pl.col("step") == 3).then(math.nan).otherwise("loss"))
    assert len(points_of(loss_curves({"warmup": broken}))) == 29


def test_a_training_without_a_step_says_so():
    assert "no step was taken" in loss_curves({"finetune/initial": curve(0)})


def test_learning_rate_and_gradient_norm_are_drawn_for_each_training_that_took_a_step():
    page = step_curves({"warmup": curve(), "finetune/initial": curve(0)})
    assert re.findall(r"<summary>([^<]*)", page) == [
        "warmup, learning rate by step",
        "warmup, gradient norm by step",
    ]
    assert len(re.findall("<polyline", page)) == 2
