"""The difficulty of the problems is on the page of a run that asked a solver, and on no other."""

import re

import pytest

from jz3.report.solvers import solver_tables

METRICS = {
    "model": "m-7b",
    "problems": 1234,
    "draws": 4,
    "truncated": 5,
    "pass_rate": 0.375,
    "solved": 0.5,
    "voted_right": None,
    "by_level": {"high": 0.25, "grade": 0.5},
}


def test_each_solver_has_its_shares_and_levels():
    page = solver_tables(
        {"mix/jiuzhang": {}, "solve/student": METRICS, "solve/writer": METRICS | {"model": "w"}}
    )
    for word in ("student", "writer", "m-7b", "1,234", "37.5 %", "50.0 %", "not measured"):
        assert word in page
    assert page.count("25.0 % right") == 2
    assert page.index("grade") < page.index("high")


def test_a_run_without_a_solver_has_no_section():
    assert not solver_tables({"mix/jiuzhang": {}})


@pytest.mark.parametrize(("rate", "parts"), [(0.25, [25.0, 75.0]), (1.0, [100.0]), (0.0, [100.0])])
def test_the_bar_of_a_level_is_full_and_its_first_part_is_what_was_right(rate, parts):
    page = solver_tables({"solve/student": METRICS | {"by_level": {"high": rate}}})
    assert [float(width) for width in re.findall(r'width="([\d.]+)"', page)] == parts
    assert f"{100 * rate:.1f} % right" in page
