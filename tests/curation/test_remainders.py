"""A rewritten program stops where a remainder is dropped, and behaves as before everywhere else."""

import contextlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.curation.remainders import ERROR, dropped, whole_divisions


def ending(program):
    """What a program prints, or the last line of its error."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            exec(program, {"__name__": "__main__"})
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return printed.getvalue()


@given(st.integers(-500, 500), st.integers(-20, 20).filter(bool))
def test_a_division_that_comes_out_prints_the_same_and_another_one_ends(one, other):
    program = f"a = {one}\nb = {other}\nprint(a // b + 1)"
    rewritten = whole_divisions(program)
    assert rewritten is not None
    found = ending(rewritten)
    if one % other:
        assert dropped(found) == f"{one} // {other} leaves {one % other}"
    else:
        assert found == ending(program)


@pytest.mark.parametrize(
    ("program", "seen"),
    [
        ("print((57 - 12) // (12 - 1))", "45 // 11 leaves 1"),
        ("from math import isqrt\nprint(isqrt(20 * 20 - 120))", "isqrt(280) leaves 24"),
        ("import math\nprint(math.isqrt(8))", "isqrt(8) leaves 4"),
        ("print(int(7 / 2))", "7 // 2 leaves 1"),
        (
            "def f(n):\n    return n // 4\ntry:\n    print(f(9))\nexcept Exception:\n    print(2)",
            "9 // 4 leaves 1",
        ),
        ('"""Docs."""\nfrom __future__ import annotations\nprint(5 // 2)', "5 // 2 leaves 1"),
    ],
)
def test_what_is_dropped_is_said(program, seen):
    assert dropped(ending(whole_divisions(program))) == seen


@pytest.mark.parametrize(
    "program",
    [
        "print(7 / 2)",
        "print(7 // 2, 7 % 2)",
        "print(divmod(7, 2), 7 // 2)",
        "print(sum(100 // 5**k for k in range(1, 3)))",
        "n = 9\nwhile n > 1:\n    n = n // 2\nprint(n)",
        "print([1, 2, 3][3 // 2])",
        "import math\nprint(math.floor(7 / 2), 7 // 2)",
        "print(int('7'))",
        "print('//')",
        "print(7 // 2",
        "print(" + "-" * 5000 + "7 // 2)",
    ],
)
def test_programs_that_mean_it_or_drop_nothing_are_left_alone(program):
    assert whole_divisions(program) is None


def test_other_errors_are_no_remainders():
    assert dropped("ZeroDivisionError: integer division or modulo by zero") is None
    assert dropped(f"ValueError: {ERROR}: 3") is None
    assert dropped("") is None
