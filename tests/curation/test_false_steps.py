"""An equation that does not hold is found; one that is computed differently, or was rounded, is left
alone.
"""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.curation.false_steps import false_step, false_steps

WHOLE = st.integers(0, 9999)


@given(WHOLE, WHOLE, st.sampled_from(["+", "-", "*", r"\times", "·", r"\cdot"]), st.sampled_from(["", "$"]))
def test_what_holds_is_kept_and_what_is_off_by_one_is_found(one, other, sign, mark):
    plain = {"+": one + other, "-": one - other}.get(sign, one * other)
    text = "So {mark}{one} {sign} {other} = {result}{mark}. That is all."
    values = {"mark": mark, "one": one, "sign": sign, "other": other}
    assert false_step(text.format(result=plain, **values), 1.0) is None
    assert false_step(text.format(result=plain + 1, **values), 1.0) is not None


@pytest.mark.parametrize(
    "text",
    [
        "There are 12 * 12 = 166 ways.",
        "We get\n9 + 12 + 15 = 34.",
        r"\( 82 + 95 + 78 = 250 \)",
        r"\[ \frac{13}{52} + \frac{13}{51} = \frac{26}{51} \]",
        "x = 1156 - 4 \\cdot 17^2 = -100",
        "It rises to -16 + 3 = 10 degrees.",
        "It rises from -2 + 3 = 5 degrees.",
        "1,000 + 1 = 1,002.",
        "1.15 * 1.05 = 1.10",
        "(2 + 3) * 4 = 21",
        "2 * 3 = 6 and 6 + 1 = 8.",
    ],
)
def test_false_equations(text):
    assert false_step(text, 1.0) is not None


def test_an_equation_in_brackets_is_read_without_them():
    assert false_step("We add them (1 + 3 = 5).", 1.0) == "1 + 3 = 5"


@pytest.mark.parametrize(
    "text",
    [
        "10 / 3 = 3.33",
        "22/7 = 3.1428",
        "15 / 2 = 7 remainder 1",
        "15 / 2 = 8",
        "2x + 5 * 3 = 20",
        "f(2 + 3) = 10",
        "5 apples + 3 = 9",
        "9:30 + 45 = 10:15",
        "17 * 5 = 1 (mod 28)",
        "In base 2 we have 101 + 1 = 110.",
        r"101_2 + 11_2 = 1000_2",
        "-2^2 = 4",
        "-2^2 = -4",
        "12 / 2 * 3 = 2",
        "12 / 2 * 3 = 18",
        "90 + 30 = 2 hours",
        "20 / 100 = 20%",
        "20 + 5 = x + 3",
        "2 + 3 = 5!",
        "3 + 4 = 7 \\cdot 1",
        "3 + 4 = 2 * 3 + 1",
        "1/2 + 1 = 1 and 1/2",
        "1.5 + 0.5 = 2.",
        "5 x 3 + 2 = 17",
        "half of 6 + 4 = 7",
        r"5 \oplus 3 = 6, and 5 + 3 = 6",
        "(3, 4) * (1, 2) = 11",
        "1 1/2 + 2 = 3.5",
        "2^100000 + 1 = 7",
        "1 / 0 = 3",
        "1 + 1 = 1/0",
    ],
)
def test_what_is_right_or_not_plain_is_left_alone(text):
    assert false_step(text, 1.0) is None


def test_a_text_that_runs_on_costs_no_more_than_its_length():
    assert false_step("1 + " * 50_000 + "1 = 3", 1.0) is None
    assert false_step("(" * 50_000 + "1 + 1 = 3", 1.0) is None


def test_each_row_has_its_own_finding_and_a_problem_of_other_arithmetic_has_none():
    problems = pl.Series(["Add.", "Add in base 2.", "Add.", "Add."])
    solutions = pl.Series(["So 1 + 1 = 3.", "So 1 + 1 = 3.", "No sum.", "So 1 + 1 = 2."])
    assert false_steps(problems, solutions, 1.0).to_list() == ["1 + 1 = 3", None, None, None]
    assert false_steps(problems[2:3], solutions[2:3], 1.0).to_list() == [None]
