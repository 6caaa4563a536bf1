"""The shares of a selection add up, and checkpoints that rank alike agree completely."""

from itertools import pairwise

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.selection.selection_spread import agreement, quantiles, spread


def prompts(cosines, tokens=None):
    height = len(cosines)
    return pl.DataFrame(
        {
            "prompt_id": [f"p{number:02}" for number in range(height)],
            "source": ["web"] * height,
            "level": ["grade"] * height,
            "kind": ["cot"] * height,
            "value": [sum(each) for each in cosines],
            "solution_tokens": tokens or [8.0] * height,
            "cosines": cosines,
        },
        schema_overrides={"cosines": pl.List(pl.Float64), "value": pl.Float64},
    )


@given(st.lists(st.floats(1, 5000), max_size=30))
def test_every_length_lies_in_one_class_and_classes_do_not_overlap(tokens):
    found = {
        name.removeprefix("length/"): rows
        for name, rows in spread(prompts([[0.0]] * len(tokens), tokens)).items()
        if name.startswith("length/")
    }
    bounds = [tuple(map(int, name.split("-"))) for name in found]
    assert bounds == sorted(bounds)
    assert all(end < start for (_, end), (start, _) in pairwise(bounds))
    for (start, end), rows in zip(bounds, found.values(), strict=True):
        assert rows == sum(start <= int(length) <= end for length in tokens) > 0
    assert sum(found.values()) == len(tokens)


def test_lengths_are_told_by_two_classes_for_each_doubling():
    names = [name for name in spread(prompts([[0.0]] * 5, [1.0, 2.0, 3.0, 47.9, 64.0])) if "length" in name]
    assert names == ["length/1-1", "length/2-2", "length/3-3", "length/32-47", "length/64-95"]


@given(st.lists(st.integers(-9, 9), min_size=2, max_size=20, unique=True), st.integers(1, 20))
def test_checkpoints_that_rank_alike_agree_and_those_that_rank_backwards_do_not(values, count):
    rows = prompts([[float(value), 2.0 * value, -float(value)] for value in values])
    found = agreement(rows, count)
    assert found.spearman == pytest.approx({"1-2": 1.0, "1-3": -1.0, "2-3": -1.0})
    assert found.chosen_alone["1"] == found.chosen_alone["2"] == 1.0
    chosen = min(count, len(values))
    assert found.chosen_alone["3"] == max(0, 2 * chosen - len(values)) / chosen


def test_a_checkpoint_at_which_all_are_alike_has_no_correlation():
    assert agreement(prompts([[0.5, 0.1], [0.5, 0.2]]), 1).spearman == {}
    assert agreement(prompts([]), 1).chosen_alone == {}


def test_the_quantiles_of_no_value_are_none():
    assert quantiles(pl.Series([], dtype=pl.Float64)) == {}
    assert quantiles(pl.Series([1.0, 2.0, 3.0]))["0.5"] == 2.0
