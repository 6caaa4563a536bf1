"""The evaluation tables say what is measured and what is not."""

import polars as pl

from jz3.report.scores import interval_bar, score_tables
from jz3.tables.score_row import ScoreRow
from tests.report.table_rows import score


def shown(*rows):
    return score_tables(pl.DataFrame(rows, schema=ScoreRow.create_empty().schema))


def test_each_grouping_has_a_table_and_absent_ones_have_none():
    page = shown(score(), score(group_by="coverage", group="texts alone"))
    assert "Benchmarks" in page
    assert "By what the data hold" in page
    assert "Macro over families" not in page
    assert "By level" not in page
    assert "By subject" not in page


def test_items_without_a_hit_stand_beside_their_accuracy():
    assert "50.0 (90)" in shown(score())
    assert "none (0)" in shown(score(clean_items=0, accuracy_clean=None))


def test_an_unchecked_benchmark_is_not_called_clean():
    page = shown(score(contamination="unchecked"))
    assert "unchecked" in page
    assert "(90)" not in page


def test_the_bar_of_an_interval_is_as_long_as_the_interval():
    bar = interval_bar(22.5, 30, 37.5)
    assert 'x1="22.5" x2="37.5"' in bar
    assert 'cx="30.0"' in bar
