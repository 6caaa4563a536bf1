"""A number that was copied wrong is found; conversions, other orders and other programs are left alone."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.curation.given_numbers import miscopied, miscopied_numbers

NUMBERS = st.lists(st.integers(0, 10_000), min_size=2, max_size=8)


def program(numbers):
    return "\n".join(f"n{place} = {number}" for place, number in enumerate(numbers)) + "\nprint(n0)"


@given(NUMBERS, st.data())
def test_numbers_copied_as_they_are_say_nothing_and_one_slip_is_found(numbers, data):
    question = f"Take {' and '.join(map(str, numbers))}."
    assert miscopied(question, program(numbers), 0.5) is None
    assert miscopied(question, program(sorted(numbers)), 0.5) is None
    place = data.draw(st.integers(0, len(numbers) - 1))
    slipped = [number + (place == at) * 20_001 for at, number in enumerate(numbers)]
    assert miscopied(question, program(slipped), 0.5) is not None


@pytest.mark.parametrize(
    ("question", "lines", "found"),
    [
        ("the vectors (10, 10) and (11, 5)", "a = 10\nb = 10\nc = 12\nd = 5", "question 11, program 12"),
        ("the vectors (10, 10) and (11, 5)", "a = 10\nb = 10\nc = 1\nd = 5", None),
        ("at 2 m/s^2 for 5 seconds", "start = 0\nrate = 2\ntime = 5", None),
        ("3 and 4 with g of 9.8", "def f(g=9.8):\n    pass\na = 3\nb = 4\nc = 6", None),
        ("the roots of x^2 - 15x + 30", "a = 15\nb = 32", "question 30, program 32"),
        ("from 1 to 33", "a = 33\nb = 33", "question 1, program 33"),
        ("a price of 1,250 dollars and 3 days", "p = 1250\nd = 3", None),
        ("20 % of 350", "share = 0.2\nof = 350", None),
        ("a force of 5 kN over 2 m", "f = 5000\nm = 2", None),
        ("3 apples and 4 pears", "apples = 3", None),
        ("3 apples and 4 pears", "a = 7\nb = 8", None),
        ("3 apples and 4 pears", "def f():\n    a = 3\n    b = 5", None),
        ("between -4 and 3", "low = -4  # the left end\nhigh = 3", None),
    ],
)
def test_cases(question, lines, found):
    assert miscopied(question, lines, 0.5) == found


def test_a_problem_without_a_program_says_nothing():
    questions = pl.Series(["2 and 3", "2 and 3"])
    found = miscopied_numbers(questions, pl.Series([None, "a = 2\nb = 5"]), 0.5)
    assert found.to_list() == [None, "question 3, program 5"]
