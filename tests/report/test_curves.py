"""Curves have labelled axes, show finite values, and put the trainings of a stage into one plot."""

import math
import re

import polars as pl
import pytest

from jz3.report.curves import POINTS, loss_curves, step_curves, thinned
from tests.report.table_rows import curve


@pytest.mark.parametrize("steps", [1, 2, 30, 1999])
def test_a_curve_has_no_more_points_than_are_seen(steps):
    few = thinned(curve(steps), "loss")
    assert 0 < few.height <= min(steps, POINTS)
    assert few["step"].is_sorted()


def test_a_loss_that_is_no_number_is_left_out():
    broken = curve().with_columns(loss=pl.when(pl.col("step") == 3).then(math.nan).otherwise("loss"))
    assert thinned(broken, "loss").height == 29
    assert "<svg" in loss_curves({"warmup": broken})


def test_the_models_of_a_stage_stand_in_one_plot_with_labelled_axes_and_names():
    page = loss_curves({"pretrain/one": curve(), "pretrain/two": curve(20), "warmup": curve()})
    first, second = page.split("<svg")[1:]
    for word in ("one", "two", "optimizer step", "loss (nats a label token)"):
        assert f">{word}</text>" in first
    assert ">warmup</text>" in second
    assert "var(--blue)" in first
    assert "var(--orange)" in first


def test_a_training_without_a_step_says_so():
    assert "no step was taken" in loss_curves({"finetune/initial": curve(0)})
    assert "<svg" not in loss_curves({"finetune/initial": curve(0)})


def test_learning_rate_and_gradient_norm_are_drawn_for_each_stage_that_took_a_step():
    page = step_curves({"warmup": curve(), "finetune/initial": curve(0)})
    assert re.findall(r"<summary>([^<]*)", page) == [
        "warmup: learning rate by step",
        "warmup: gradient norm by step",
    ]
    assert page.count("<svg") == 2


def test_no_font_of_the_machine_and_no_name_of_another_drawing_is_in_it():
    page = loss_curves({"a/x": curve(), "b/x": curve()})
    assert "DejaVu" not in page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert {*re.findall(r'href="#([^"]+)"', page), *re.findall(r"url\(#([^)]+)\)", page)} <= set(ids)


def test_steps_on_the_axis_are_whole_and_a_point_is_the_mean_of_its_steps():
    page = loss_curves({"warmup": curve(3)})
    ticks = re.findall(r">(\d[\d.,]*)</text>", page.partition("optimizer step")[0])
    assert ticks == ["1", "2", "3"]
    assert ">1,500</text>" in loss_curves({"warmup": curve(2000)})
    few = thinned(curve(2 * POINTS), "loss")
    assert few["step"].to_list() == [place + 1.5 for place in range(0, 2 * POINTS, 2)]


@pytest.mark.parametrize(
    ("losses", "labelled"),
    [
        ([1.0, 2.0, 9.9], True),
        ([1.0, 2.0, 10.0], False),
        ([0.2, 2.0, 6.0], False),
        ([0.0, 2.0, 9.0], True),
        ([1.0, 6.0, math.inf], True),
    ],
)
def test_losses_within_a_decade_have_labels_between_the_powers_of_ten(losses, labelled):
    page = loss_curves({"warmup": curve(3).with_columns(loss=pl.Series(losses))})
    assert (">5</text>" in page) == labelled


def test_a_training_of_one_step_is_a_dot_and_not_a_line_without_length():
    circle = re.compile(r"\bC \d")
    assert circle.search(loss_curves({"warmup": curve(1)}))
    assert not circle.search(loss_curves({"warmup": curve(2)}))
