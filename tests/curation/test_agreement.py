"""What programs print is read as the mathematics that it means."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.curation.agreement import agrees
from jz3.curation.printed import readings


@pytest.mark.parametrize(
    ("boxed", "printed"),
    [
        ("[1, 2, 3]", "[1 2 3]\n"),
        ("[1,2,3]", "array([1, 2, 3])\n"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "Matrix([[1, 2], [3, 4]])"),
        ("\\begin{bmatrix} 1 & 2 \\\\ 3 & 4 \\end{bmatrix}", "[[1 2]\n [3 4]]\n"),
        ("5", "[5]"),
        ("5", "(5,)"),
        ("(1,2)", "{x: 1, y: 2}"),
        ("\\frac{1}{2}", "Fraction(1, 2)"),
        ("0.5", "Decimal('0.5')"),
        ("5", "np.int64(5)"),
        ("5", "np.float64(5.0)"),
        ("3+4i", "3+4j"),
        ("3+4i", "(3+4j)"),
        ("2i", "2j"),
        ("-i", "-1j"),
        ("-i", "(-0-1j)"),
        ("\\frac{1}{2}", "mpf('0.5')"),
        ("-2, 2", "[-2, 2]"),
        ("\\{-2, 2\\}", "[-2, 2]"),
        ("1+2i, 1-2i", "[1 + 2*I, 1 - 2*I]"),
        ("\\infty", "oo"),
        ("\\text{Yes}", "True"),
        ("\\text{True}", "True"),
        ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "Matrix([[1], [2]])"),
        ("\\left(\\frac12, 3\\right)", "(Fraction(1, 2), 3)"),
        ("6", "tensor(6)"),
        ("[0, 1)", "Interval.Ropen(0, 1)"),
        ("\\emptyset", "EmptySet"),
        ("abc", "'abc'"),
        ("\\frac12", "The answer is Fraction(1, 2)"),
        ("\\{1,2\\}", "FiniteSet(1, 2)"),
        ("[1,2,3]", "[np.int64(1), np.int64(2), np.int64(3)]"),
        ("(1, 2.5)", "(np.int64(1), np.float64(2.5))"),
        (
            "\\begin{pmatrix} \\frac12 & 0 \\\\ 0 & 1\\end{pmatrix}",
            "[[Fraction(1, 2), Fraction(0, 1)], [Fraction(0, 1), Fraction(1, 1)]]",
        ),
        ("\\begin{pmatrix} 1 & 2 \\end{pmatrix}", "array([[1, 2]], dtype=int64)"),
        ("1,2", "dict_values([1, 2])"),
        ("x=1, y=2", "{x: 1, y: 2}"),
        ("x > 2", "(2 < x) & (x < oo)"),
        ("x \\le 2", "(-oo < x) & (x <= 2)"),
        ("1 < x \\le 2", "(1 < x) & (x <= 2)"),
        ("(1, 2)", "(1 < x) & (x < 2)"),
        ("x < 1 \\text{ or } x > 2", "(x < 1) | (x > 2)"),
        ("(-\\infty,1)\\cup(2,\\infty)", "((-oo < x) & (x < 1)) | ((2 < x) & (x < oo))"),
        ("(-\\infty,1)\\cup(2,\\infty)", "Union(Interval.open(-oo, 1), Interval.open(2, oo))"),
    ],
)
def test_what_python_shows_agrees_with_the_same_in_latex(boxed, printed):
    assert agrees(boxed, printed)


@pytest.mark.parametrize(
    ("boxed", "printed"),
    [
        ("[1, 2, 3]", "[1 2 4]"),
        ("5", "[5, 6]"),
        ("\\frac{1}{3}", "Fraction(1, 2)"),
        ("(1, 2)", "{x: 2, y: 1}"),
        ("3+4i", "(3-4j)"),
        ("No", "True"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "Matrix([[1, 3], [2, 4]])"),
        ("1", "np.int64(12)"),
        ("x \\ge 2", "(2 < x) & (x < oo)"),
        ("(1, 2]", "(1 < x) & (x < 2)"),
        ("(1, 2)", "(x < 1) | (x > 2)"),
        ("(-\\infty,1]\\cup(2,\\infty)", "Union(Interval.open(-oo, 1), Interval.open(2, oo))"),
    ],
)
def test_other_mathematics_does_not_agree(boxed, printed):
    assert not agrees(boxed, printed)


@given(st.integers(-99, 99), st.integers(2, 99), st.sampled_from(["np.int64", "np.int32", "numpy.uint8"]))
def test_a_number_is_read_in_any_dress(one, other, dress):
    assert next(readings(f"[{dress}({one}), Fraction({one}, {other})]")) == f"[{one}, {one}/{other}]"
    assert next(readings(f"{dress}({one})")) == str(one)


@given(st.lists(st.integers(-99, 99), min_size=2, max_size=4))
def test_a_list_may_be_a_tuple_a_set_or_a_vector_and_a_tuple_may_not(numbers):
    shown = ", ".join(map(str, numbers))
    column, row = (
        rf"\begin{{pmatrix}} {between.join(map(str, numbers))} \end{{pmatrix}}"
        for between in (r" \\ ", " & ")
    )
    read = [f"[{shown}]", shown, f"({shown})", f"\\{{{shown}\\}}", column, row]
    assert list(readings(f"[{shown}]")) == read
    assert list(readings(f"({shown})")) == [f"({shown})", shown]


def test_a_list_of_lists_is_a_matrix():
    assert list(readings("[[1, 2], [3, 4]]")) == [
        "[[1, 2], [3, 4]]",
        r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}",
    ]


@given(st.text(max_size=40))
def test_any_text_has_readings(text):
    assert list(readings(text))


@given(st.integers(-(10**9), 10**9), st.integers(1, 4), st.sampled_from([-1, 1]))
def test_a_printed_number_agrees_with_itself_rounded_and_with_no_neighbour_of_that(millionths, places, side):
    printed, step = Decimal(millionths).scaleb(-6), Decimal(1).scaleb(-places)
    rounded = printed.quantize(step)
    assert agrees(f"{rounded:f}", f"{printed:f}")
    assert not agrees(f"{rounded + 2 * side * step:f}", f"{printed:f}")


@pytest.mark.parametrize(
    ("boxed", "printed", "rounds"),
    [
        ("0.25", "0.255", True),
        ("0.26", "0.255", True),
        ("0.25", "0.25501", False),
        ("-3.5", "-3.4641", True),
        ("3.5", "-3.4641", False),
        ("3.46", "The side is 3.4641016", True),
        ("$1,234.57$", "1234.5678", True),
        ("3", "3.4641", False),
    ],
)
def test_a_rounded_answer_is_within_half_a_unit_of_its_last_place(boxed, printed, rounds):
    assert agrees(boxed, printed) == rounds


@pytest.mark.parametrize(("boxed", "counts"), [("5", True), ("4", False), ("3", False)])
def test_of_the_numbers_in_a_line_of_words_the_last_one_counts(boxed, counts):
    assert agrees(boxed, "3 and 4 apples, then 5 pears") == counts
    assert agrees(boxed, "It has 5 sides") == counts
