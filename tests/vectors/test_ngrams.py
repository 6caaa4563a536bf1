"""Laws of the vectors by spelling: of length 1, depending on the text alone, blind to the order of words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.vectors.ngrams import ngram_vectors, words_of

texts = st.lists(st.text(alphabet="abxy éß12.\\{ \n", max_size=40), max_size=6)


def cosine(one, other, dimensions=4096):
    vectors = ngram_vectors([one, other], dimensions, 512)
    return float(vectors[0] @ vectors[1])


@given(texts)
def test_each_text_is_of_length_1_or_has_no_words_and_stands_for_itself(some):
    together = ngram_vectors(some, 64, 512)
    lengths = np.linalg.norm(together, axis=1)
    for text, vector, length in zip(some, together, lengths, strict=True):
        # Features of one text may hit one position with opposite signs and leave nothing.
        assert length == pytest.approx(1, abs=1e-5) or length == 0
        assert np.array_equal(ngram_vectors([text], 64, 512)[0], vector)
        if not words_of(text, 512):
            assert length == 0


@given(st.permutations(["area", "rectangle", "sum", "matrix", "determinant"]))
def test_the_order_of_words_does_not_matter(words):
    assert cosine(" ".join(words), "area rectangle sum matrix determinant") == pytest.approx(1, abs=1e-5)


def test_spellings_of_one_skill_are_near_and_other_skills_are_not():
    assert cosine("area of a rectangle", "Rectangle area") == pytest.approx(1, abs=1e-5)
    assert cosine("quadratic equations", "the quadratic equation") == pytest.approx(1, abs=1e-5)
    assert 0.6 < cosine("prime factorisation", "prime factorization") < 1
    assert abs(cosine("quadratic equation", "modular arithmetic")) < 0.15


def test_words_beyond_the_first_are_not_read():
    assert words_of("one two three four", 2) == {"two": 1}
    few, many = ngram_vectors(["alpha beta", "alpha beta gamma"], 256, 2)
    assert np.array_equal(few, many)
