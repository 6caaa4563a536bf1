"""Canonical forms: the worked pairs, and the law that neither names nor the order of equal terms matter."""

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.teacher.canonical import canonical, operations, structure


def form(source):
    return canonical(ast.parse(source).body[0])


def of(parameters, body):
    return form(f"def f({parameters}):\n    {body}")


PRICE = of("price, count", "return price * count")


@pytest.mark.parametrize(
    ("one", "other", "likeness"),
    [
        (PRICE, of("n, unit_price", "total = n * unit_price\n    return total"), 1.0),
        (PRICE, of("length, width", "return length * width"), 1.0),
        (of("p, r, t", "return p * r * t"), of("p, r, t", "return p * (1 + r) ** t - p"), 0.353),
        (of("paid, cost", "return paid - cost"), of("start, spent", "return start - spent"), 1.0),
        (of("paid, cost", "return paid - cost"), of("a, b", "return b - a"), 1.0),
        (of("a, b, c", "return a * b * c"), of("a, b, c", "return c * (a * b)"), 1.0),
        (of("a, b", "return a / b"), of("a, b", "return b / a"), 1.0),
    ],
)
def test_worked_pairs_have_their_likeness(one, other, likeness):
    assert structure(one, other) == structure(other, one)
    assert structure(one, other) == pytest.approx(likeness, abs=5e-4)
    assert (one.text == other.text) == (likeness == 1)


@pytest.mark.parametrize(
    ("body", "same"),
    [
        ('"""Of it."""\n    assert a > 0\n    return a * 2.0 + b', "return b + 2 * a"),
        ("from math import sqrt\n    return sqrt(a) + b", "import math\n    return b + math.sqrt(a)"),
        ("return math.pow(a, b)", "return a ** b"),
        ("s: float = a + b\n    t = s / 2\n    return t", "return (b + a) / 2"),
        (
            "t = 0\n    for i in range(a):\n        t += b\n    return t",
            "x = 0\n    for k in range(a):\n        x += b\n    return x",
        ),
    ],
)
def test_spellings_of_one_computation_have_one_form(body, same):
    assert of("a, b", body).text == of("a, b", same).text


def test_what_is_read_twice_or_changed_in_a_loop_is_not_put_in_place():
    twice = of("a, b", "s = a + b\n    return s * s")
    assert "v0" in twice.text
    assert "v0" in of("a, b", "s = b\n    for i in range(a):\n        b = b + s\n    return b").text


def test_a_recursive_function_is_renamed_alone():
    one = form("def down(n):\n    return 0 if n < 1 else n + down(n - 1)")
    assert one.text == form("def total(k):\n    return 0 if k < 1 else total(k - 1) + k").text


NAMES = ("alpha", "beta", "gamma", "delta")
TREES = st.recursive(
    st.sampled_from([0, 1, 2, 3, "2", "5"]),
    lambda inner: st.tuples(st.sampled_from("+*-/"), inner, inner),
    max_leaves=8,
)


def written(tree, names, turn=False):
    """A tree as Python; with `turn` the terms of + and * are swapped."""
    if not isinstance(tree, tuple):
        return names[tree] if isinstance(tree, int) else tree
    sign, *parts = tree
    one, other = (written(part, names, turn) for part in parts)
    return f"({other} {sign} {one})" if turn and sign in "+*" else f"({one} {sign} {other})"


@settings(deadline=None, max_examples=60)
@given(TREES, st.permutations(NAMES))
def test_names_and_the_order_of_equal_terms_do_not_show(tree, others):
    parameters = ", ".join(NAMES)
    one = of(parameters, f"return {written(tree, NAMES)}")
    assert structure(one, one) == 1
    assert of(parameters, f"x = {written(tree, others)}\n    return x").text == one.text
    turned = of(parameters, f"return {written(tree, NAMES, turn=True)}")
    assert turned.subtrees.total() == one.subtrees.total()


def test_operations_of_a_body_are_counted():
    assert operations(ast.walk(ast.parse("def f(a, b):\n    return abs(a - b) * 2 > b"))) == 4
