"""The hashes of many texts are those of their words, as the plain functions compute them."""

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from jz3.text.word_hashes import hashed_letters, hashed_tokens, hashed_words
from jz3.text.words import letters, masked, spelt_letters, tokens, words

MATHS = st.text(alphabet="aB1234,,..''’-−**+_ \n#x=é²\\$^°×½…ßıΩ٣e\u0301|()[]{}!!:′≠∉∪–", max_size=40)
LATEX = st.lists(
    st.sampled_from(
        [
            *(
                "\\dfrac",
                "\\LEFT(",
                "\\right)",
                "\\\\frac12",
                "\\frac{x}",
                "{,}000",
                ",\\!000",
                "\\,000",
                "12",
                "7",
            ),
            *(
                "\\begin{align*}",
                "\\begin{array}{c|l}",
                "{cc}",
                "\\color{red}",
                "\\sqrt2",
                "\\le",
                "\\to",
                "\\pi",
                "\\",
            ),
            *(
                " ",
                "3x-y",
                "a-bc",
                "\\pi-x",
                "{",
                "}",
                "A'B'C'",
                "'x'",
                "f''",
                "5!",
                "n!!",
                "!=",
                "2**3",
                ".5",
                "é",
                "\\É",
            ),
        ]
    ),
    max_size=12,
).map("".join)
TEXTS = st.lists(MATHS | LATEX | st.text(max_size=20), max_size=8)


def fnv(word):
    """FNV-1a, then the finalizer of splitmix64, written plainly."""
    value = 0xCBF29CE484222325
    for byte in word.encode():
        value = ((value ^ byte) * 0x100000001B3) % 2**64
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB % 2**64
    return value ^ (value >> 31)


def sequences(found):
    return [found.hashes[a:b].tolist() for a, b in zip(found.starts, found.starts[1:], strict=False)]


def hashes(lists):
    return [[fnv(word) for word in sequence] for sequence in lists]


@example(["5’!", "x ≤ y-1’", "Ω ≠ ∅", "℃ ∬ 3½ ⌊x⌋", "≢"])
@given(TEXTS)
def test_words_tokens_and_masked_words_are_those_of_the_plain_functions(texts):
    column = pl.Series(texts, dtype=pl.String)
    spelt = hashed_words(column)
    assert sequences(spelt.words) == hashes(map(words, texts))
    assert sequences(spelt.masked) == hashes(masked(words(text)) for text in texts)
    assert spelt.letters.tolist() == [fnv(spelt_letters(text)) for text in texts]
    assert sequences(hashed_tokens(column)) == hashes(tokens(text) or text.split() for text in texts)


@given(TEXTS)
def test_letters_are_those_of_the_plain_function(texts):
    column = pl.Series(texts, dtype=pl.String)
    assert hashed_letters(column).tolist() == [fnv(letters(text)) for text in texts]


@given(TEXTS.filter(lambda texts: len(texts) > 2))
def test_a_slice_of_a_column_is_read_as_its_own_texts(texts):
    column = pl.Series(texts, dtype=pl.String)
    assert sequences(hashed_tokens(column[1:-1])) == hashes(
        tokens(text) or text.split() for text in texts[1:-1]
    )
