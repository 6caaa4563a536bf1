"""Differences, their intervals and p-values equal a recount from the grades of the whole run, by own code."""

from itertools import groupby
from statistics import fmean

import numpy as np
import pytest
from scipy.stats import binomtest

from tests.test_recount_arms import MODELS, grades, ground, group_of, read, root

__all__ = ["ground", "root"]
LEVEL = 0.05


@pytest.fixture(scope="module")
def compared(root):
    return read(root, "data/tables/comparisons.parquet").to_dicts()


@pytest.fixture(scope="module")
def graded(root):
    return {model: grades(root, model) for model in MODELS}


def units(rows, pair, ground):
    """`correct` of each item in per cent; of each family, over its settings, if both are compared."""
    cells = {}
    for row in rows:
        if row["benchmark"] != pair["benchmark"] or pair["setting"] not in ("both", row["setting"]):
            continue
        if pair["group"] == "all" or pair["group"] == group_of(row["subject"], *ground):
            unit = row["subject"] if pair["setting"] == "both" else row["item_id"]
            cells.setdefault(unit, {}).setdefault(row["setting"], []).append(100 * row["correct"])
    return {unit: fmean(map(fmean, settings.values())) for unit, settings in cells.items()}


def differences(pair, graded, ground):
    ours, theirs = (units(graded[pair[name]], pair, ground) for name in ("model", "against"))
    assert ours.keys() == theirs.keys()
    return np.array([ours[unit] - theirs[unit] for unit in sorted(ours)])


def check_differences(compared, graded, ground):
    """`least_difference` is of one pair alone: the least significant surplus on the items that differ."""
    for pair in compared:
        found = differences(pair, graded, ground)
        assert pair["difference"] == pytest.approx(found.mean()), pair
        if pair["setting"] == "both":
            assert pair["p_value"] is pair["p_holm"] is pair["least_difference"] is None
            continue
        differing = int((found != 0).sum())
        leads = [
            2 * wins - differing
            for wins in range(differing + 1)
            if 2 * wins >= differing and differing and binomtest(wins, differing).pvalue <= LEVEL
        ]
        p_value = binomtest(int((found > 0).sum()), differing).pvalue if differing else 1
        assert pair["p_value"] == pytest.approx(p_value), pair
        least = 100 * min(leads) / len(found) if leads else None
        assert pair["least_difference"] == (least if least is None else pytest.approx(least)), pair


def check_intervals(compared, graded, ground, resamples=4000):
    """Another bootstrap, with other draws, ends within a sixth of the width, or a unit, of these."""
    draws = np.random.default_rng(20)
    for pair in compared:
        if "jiuzhang" in (pair["model"], pair["against"]):
            found = differences(pair, graded, ground)
            means = draws.choice(found, (resamples, len(found))).mean(axis=1)
            near = (pair["high"] - pair["low"]) / 6 + 100 / len(found)
            assert pair["low"] == pytest.approx(np.quantile(means, 0.025), abs=near), pair
            assert pair["high"] == pytest.approx(np.quantile(means, 0.975), abs=near), pair


def check_correction(compared):
    def on(pair):
        return pair["benchmark"], pair["group"], pair["setting"]

    tested = sorted((pair for pair in compared if pair["p_value"] is not None), key=on)
    for _, pairs in groupby(tested, on):
        ranked = sorted(pairs, key=lambda pair: pair["p_value"])
        least = 0
        for left, pair in zip(range(len(ranked), 0, -1), ranked, strict=True):
            least = max(least, min(1, left * pair["p_value"]))
            assert pair["p_holm"] == pytest.approx(least), pair


def test_differences_and_p_values_are_those_of_the_items_that_differ(compared, graded, ground):
    assert {pair["setting"] for pair in compared} == {"prose", "tool", "both"}
    check_differences(compared, graded, ground)


def test_intervals_are_those_of_another_bootstrap(compared, graded, ground):
    check_intervals(compared, graded, ground)


def test_p_values_are_corrected_for_the_pairs_on_the_same_items(compared):
    check_correction(compared)
