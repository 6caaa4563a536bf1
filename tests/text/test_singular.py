"""Plurals in the names of skills."""

import pytest

from jz3.text.singular import singular


@pytest.mark.parametrize(
    ("word", "one"),
    [
        ("equations", "equation"),
        ("matrices", "matrix"),
        ("vertices", "vertex"),
        ("series", "series"),
        ("inequalities", "inequality"),
        ("classes", "class"),
        ("boxes", "box"),
        ("calculus", "calculus"),
        ("analysis", "analysis"),
        ("statistics", "statistics"),
        ("areas", "area"),
        ("gas", "gas"),
    ],
)
def test_the_singular_of_a_word_is_its_own_singular(word, one):
    assert singular(word) == one
    assert singular(one) == one
