"""The tables say what the grades hold, with intervals that do not move from run to run."""

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import OutDir
from jz3.evaluation.mcnemar import exact_p_value
from jz3.evaluation.pages import write_pages
from jz3.evaluation.tabulate import TabulateParams, interval, stack, tabulate
from jz3.tables.comparison import Comparison
from jz3.tables.grade import Grade
from jz3.tables.pages_manifest import PagesManifest
from jz3.tables.score_row import ScoreRow

PARAMS = TabulateParams(seed=1, resamples=500, families="held_out")


def grades(correct, hit=()):
    """`correct[setting][subject]` is a list of verdicts."""
    rows = [
        {
            "response_id": f"{subject}{number}/{setting}/0",
            "item_id": f"{subject}{number}",
            "benchmark": "held_out",
            "setting": setting,
            "draw": 0,
            "subject": subject,
            "level": "high",
            "gold": "1",
            "predicted": "1",
            "correct": verdict,
            "correct_lenient": True,
            "rule": "number",
            "second_opinion": verdict,
            "contamination": "hit" if f"{subject}{number}" in hit else "clean",
        }
        for setting, subjects in correct.items()
        for subject, verdicts in subjects.items()
        for number, verdict in enumerate(verdicts)
    ]
    return Grade.validate(pl.DataFrame(rows, schema=Grade.create_empty().schema))


GOOD = grades({"prose": {"a": [True, False], "b": [True, True]}, "tool": {"a": [True] * 2, "b": [True] * 2}})
POOR = grades(
    {"prose": {"a": [False] * 2, "b": [False] * 2}, "tool": {"a": [True] * 2, "b": [False] * 2}}, hit=("a0",)
)


@pytest.fixture(scope="module")
def tables():
    return tabulate(stack({"good": GOOD, "poor": POOR}), frozenset({"a"}), PARAMS)


def score(scores, **where):
    (row,) = scores.filter(pl.all_horizontal(pl.col(k) == v for k, v in where.items())).iter_rows(named=True)
    return row


def test_accuracies_by_setting_group_and_average(tables):
    scores, _, headline = tables
    ScoreRow.validate(scores)
    assert score(scores, model="good", setting="prose", group_by="all")["accuracy"] == 75
    assert score(scores, model="good", setting="prose", group="covered")["accuracy"] == 50
    macro = score(scores, model="poor", group="macro over families")
    assert macro["accuracy"] == 25
    assert macro["accuracy_lenient"] == 100
    assert headline.macro_over_families == {"good": 87.5, "poor": 25.0}
    assert headline.not_covered == {"good": 100.0, "poor": 0.0}
    assert headline.tool == {"good": 100.0, "poor": 50.0}


def test_the_score_without_hit_items_stands_beside(tables):
    row = score(tables[0], model="poor", setting="tool", group_by="all")
    assert (row["accuracy"], row["clean_items"], row["items"]) == (50, 3, 4)
    assert row["accuracy_clean"] == pytest.approx(100 / 3)


def test_two_models_are_compared_on_the_same_items(tables):
    _, comparisons, _ = tables
    Comparison.validate(comparisons)
    prose = comparisons.filter(pl.col("setting") == "prose").row(0, named=True)
    assert (prose["difference"], prose["items"]) == (75, 4)
    assert prose["p_value"] == exact_p_value(3, 0) == 0.25


def test_the_same_grades_give_the_same_pages(tables, tmp_path):
    for name in ("one", "two"):
        write_pages(*tabulate(stack({"good": GOOD, "poor": POOR}), frozenset({"a"}), PARAMS)[:2],
                    OutDir(PagesManifest, tmp_path / name))  # fmt: skip
    for file in sorted((tmp_path / "one").iterdir()):
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes()
    summary = (tmp_path / "one" / "summary.md").read_text()
    assert "| held_out | macro over families | both | 4 | checked | 87.5 [" in summary


@given(st.lists(st.booleans(), min_size=1, max_size=40), st.integers(0, 2**32))
def test_an_interval_holds_the_mean(values, seed):
    array = np.array(values, dtype=float)
    low, high = interval(array, 200, seed)
    assert 0 <= low <= 100 * array.mean() + 1e-9
    assert 100 * array.mean() - 1e-9 <= high <= 100


@given(st.integers(0, 30), st.integers(0, 30))
def test_the_exact_test_is_symmetric_and_a_probability(wins, losses):
    assert exact_p_value(wins, losses) == exact_p_value(losses, wins)
    assert 0 < exact_p_value(wins, losses) <= 1
