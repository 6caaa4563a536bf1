"""The details behind the scores are on the page: differences, disputed verdicts, tokens."""

import re

import polars as pl

from jz3.report.evaluation import cost_table, disagreement_table, probe_table, published_table
from jz3.tables.cost import Cost
from jz3.tables.disagreement import Disagreement
from jz3.tables.published_row import PublishedRow
from tests.report.table_rows import HOSTILE, cost, disagreement, published


def rows(schema, *values):
    return pl.DataFrame(values, schema=schema.create_empty().schema)


def test_a_difference_from_a_published_figure_has_its_sign():
    page = published_table(rows(PublishedRow, published()))
    assert "-17.1" in page
    assert "69.0 to 74.0" in page
    assert "JiuZhang3.0-7B" in page


def test_a_run_without_published_benchmarks_says_so():
    assert "None of this run" in published_table(rows(PublishedRow))


def test_a_disputed_verdict_shows_both_opinions_and_the_rule_and_runs_nothing():
    page = disagreement_table(rows(Disagreement, disagreement()))
    for word in ("[0,1)", "sequence", "different", "equal", "1 responses"):
        assert word in page
    assert HOSTILE not in page
    assert "There are none" in disagreement_table(rows(Disagreement))


def test_what_nobody_was_paid_for_has_no_price():
    page = cost_table(rows(Cost, cost(), cost("answer/jiuzhang", None)))
    assert "$12.50" in page
    assert page.count("$") == 1
    assert "none" in page
    assert "345,678" in page


def test_what_the_base_knows_by_heart_stands_by_benchmark_with_its_figures_aligned():
    page = probe_table(
        {"probe": {"completed": {"gsm8k": 12.34, "math": 0.0}, "words": {"math": 31.0, "gsm8k": 45.67}}}
    )
    assert re.findall(r'<(?:th scope="row"|td class="number")>([^<]*)', page) == [
        "gsm8k", "12.3", "45.7", "math", "0.0", "31.0"
    ]  # fmt: skip
