"""The spread of a set depends on the scores of its models and on nothing else."""

from statistics import fmean, stdev

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.evaluation.spread import seed_spread
from jz3.tables.score_row import ScoreRow
from jz3.tables.seed_spread import SeedSpread
from tests.report.table_rows import score


def scores(*rows):
    return pl.DataFrame(rows, schema=ScoreRow.create_empty().schema)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.floats(8, 92)), min_size=1, max_size=8))
def test_mean_ends_and_deviation_are_those_of_the_models_of_a_set(models):
    sets = {f"m{number}": name for number, (name, _) in enumerate(models)}
    found = seed_spread(
        scores(*(score(model, value) for model, (_, value) in zip(sets, models, strict=True))), sets
    )
    SeedSpread.validate(found)
    assert set(found["set"]) == set(sets.values())
    for row in found.iter_rows(named=True):
        own = [value for name, value in models if name == row["set"]]
        assert (row["models"], row["least"], row["greatest"]) == (len(own), min(own), max(own))
        assert row["accuracy"] == pytest.approx(fmean(own))
        assert row["deviation"] == (pytest.approx(stdev(own), abs=1e-9) if len(own) > 1 else None)


def test_whole_benchmarks_and_averages_have_a_spread_and_no_level_has():
    macro = {"group_by": "average", "group": "macro over families", "setting": "both"}
    rows = [score(), score(accuracy=60.0, **macro), score(group_by="level", group="grade")]
    found = seed_spread(scores(*rows), {"jiuzhang": "jiuzhang"})
    assert set(found["group"]) == {"all", "macro over families"}
