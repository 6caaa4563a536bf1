"""The evaluation tables say what is measured and what is not."""

import re

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from jz3.report.scores import comparison_table, interval_bar, score_tables
from jz3.tables.comparison import Comparison
from jz3.tables.score_row import ScoreRow
from tests.report.table_rows import comparison, score


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


def test_groups_stand_below_their_benchmark_and_subjects_in_a_table_of_their_own():
    page = shown(score(), score(group_by="subject", group="algebra"))
    assert page.index("Benchmarks") < page.index("By subject or family")
    assert page.count("algebra") == 1
    assert ">all<" not in page
    assert page.count("instruction 0a1b2c3d4e5f, jiuzhang 9f8e7d6c5b4a") == 1


def compared(**changes):
    rows = pl.DataFrame([comparison() | changes], schema=Comparison.create_empty().schema)
    return comparison_table(rows)


@given(st.lists(st.integers(-100, 100), min_size=3, max_size=3).map(sorted))
def test_a_difference_stands_on_a_scale_of_fifty_points_either_way(points):
    low, middle, high = points
    page = compared(low=low, difference=middle, high=high)
    bar = re.search(
        r'x1="([\d.]+)" x2="([\d.]+)" y1="6" y2="6" class="interval"/><circle cx="([\d.]+)"', page
    )
    assert [float(place) for place in bar.group(1, 3, 2)] == [min(100, max(0, 50 + it)) for it in points]


def test_a_comparison_without_a_test_has_no_p_and_no_least_difference():
    assert "0.012" in compared()
    assert "8.2" in compared()
    page = compared(p_value=None, p_holm=None, least_difference=None)
    assert "None" not in page
    assert page.count('<td class="number"></td>') == 2
