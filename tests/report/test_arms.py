"""The arms are at the top of the page, drawn with their intervals, and in a table with their budgets."""

from itertools import pairwise

import polars as pl

from jz3.report.arms import arm_tables, budget_figure, draw_in_order, height_of
from jz3.report.plots import drawing
from jz3.tables.arm import Arm
from jz3.tables.operator_yield import OperatorYield
from jz3.tables.overlap import Overlap
from jz3.tables.seed_spread import SeedSpread
from tests.report.table_rows import arm, operator_yield, spread


def rows(schema, *found):
    return pl.DataFrame(found, schema=schema.create_empty().schema)


def test_arms_are_drawn_in_order_beside_both_budgets_with_what_they_read():
    figure = budget_figure(rows(Arm, arm(), arm("poor", accuracy=30.0, low=20.0, high=40.0, starved=True)))
    assert figure.count("<svg") == 1
    assert "tokens of the set (M)" in figure
    assert "jiuzhang read 60,500 tokens in 2.5 passes;" in figure
    assert "poor read 60,500 tokens in 2.5 passes, more than four" in figure


def test_nothing_is_drawn_of_arms_without_a_benchmark_of_families():
    assert budget_figure(rows(Arm, arm(accuracy=None, low=None, high=None))) == ""


def test_the_marks_of_a_set_stand_where_its_numbers_are_the_first_at_the_top():
    first = arm(accuracy=61.5, low=54.0, high=69.0, teacher_tokens=1_250_000, tokens=24_000)
    last = arm("poor", accuracy=30.0, low=20.0, high=40.0, teacher_tokens=0, tokens=500_000)
    with drawing(7.2, 3.0) as figure:
        draw_in_order(figure, [first, last], {"jiuzhang": [61.5, 62.5], "poor": [30.0]})
        left, middle, right = figure.axes
        drawn = [(list(line.get_xdata()), list(line.get_ydata())) for line in left.lines]
        bars = [[bar.get_width() for bar in panel.patches] for panel in (middle, right)]
        names = [label.get_text() for label in left.get_yticklabels()]
        assert left.get_ylim() == middle.get_ylim() == right.get_ylim()
    assert drawn == [
        ([20.0, 40.0], [0, 0]),
        ([30.0], [0]),
        ([54.0, 69.0], [1, 1]),
        ([61.5, 62.5], [1, 1]),
        ([61.5], [1]),
    ]
    assert (bars, names) == ([[0.0, 1.25], [0.5, 0.024]], ["poor", "jiuzhang"])


def test_a_drawing_grows_by_a_line_of_text_for_each_set():
    heights = [height_of([arm()] * sets) for sets in range(1, 7)]
    assert heights[0] == heights[1] == heights[2]
    assert all(0.2 < after - before < 0.4 for before, after in pairwise(heights[2:]))


def test_the_same_numbers_give_the_same_drawing_and_others_another_one():
    before, after = (
        budget_figure(rows(Arm, arm("a", teacher_tokens=0), arm("b", **changes)))
        for changes in ({}, {"teacher_tokens": 2_500_000})
    )
    assert before != after
    assert before == budget_figure(rows(Arm, arm("a", teacher_tokens=0), arm("b")))


def test_the_table_says_what_each_arm_owes_and_what_confirms_its_answers():
    shown = arm_tables(
        rows(Arm, arm(), arm("other", cost_usd=None, teacher_tokens_kept=None, passes=4.5, starved=True)),
        rows(SeedSpread, *spread()),
        rows(OperatorYield, operator_yield()),
        rows(Overlap, {"set": "jiuzhang", "against": "other", "questions": 14, "shared": 7}),
    )
    for said in ("1,250,000", "$12.50", "no price known", "not known", "4.5 (starved)", "60.0 %", "25.0 %"):
        assert said in shown, said
    assert "distill/initial" in shown
    assert "75.0 %" in shown
    assert "50.0 %" in shown


def test_without_teachers_and_rivals_the_page_says_so():
    shown = arm_tables(rows(Arm, arm()), rows(SeedSpread), rows(OperatorYield), rows(Overlap))
    assert "No teacher wrote for any arm." in shown
    assert "No two arms" in shown
    assert "One training seed for each set" in shown


def test_models_of_one_set_share_a_line_and_a_column():
    several = [arm(), arm("jiuzhang_1", set="jiuzhang", seed=1, accuracy=62.5), arm("other", accuracy=30.0)]
    figure = budget_figure(rows(Arm, *several))
    assert "Small points are further training seeds." in figure
    assert "jiuzhang_1 read" not in figure
    shown = arm_tables(rows(Arm, *several), rows(SeedSpread, *spread()), rows(OperatorYield), rows(Overlap))
    assert "jiuzhang_1" not in shown
    assert "macro over families" in shown
    assert "0.7" in shown
