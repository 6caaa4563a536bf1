"""Case, spacing and punctuation change no word; numbers and signs stay what they are."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.text.words import letters, masked, tokens, words

SENTENCES = st.lists(st.text(string.ascii_letters + "äöéßıΣ", min_size=1), min_size=1, max_size=8)


@given(SENTENCES, st.lists(st.sampled_from([" ", "  ", ", ", ".\n", " (", ") ", "; "]), min_size=8))
def test_case_spacing_and_punctuation_do_not_change_words(plain, gaps):
    changed = "".join(word.upper() + gap for word, gap in zip(plain, gaps, strict=False))
    assert words(changed) == words(" ".join(plain))
    assert letters(changed) == letters("".join(plain))


@given(st.text(max_size=60))
def test_words_are_words_of_themselves(text):
    once = words(text)
    assert words(" ".join(once)) == once


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What's 1,200 + 3.5?", ["whats", "1200", "3.5"]),
        ("Janet’s ducks", ["janets", "ducks"]),
        (r"$\frac{1}{2}x_1$", ["frac", "1", "2", "x", "1"]),
        ("Café İstanbul", ["cafe", "istanbul"]),
        ("2,345678 ends.Then", ["2", "345678", "ends", "then"]),
        ("", []),
    ],
)
def test_words_of_mathematics(text, expected):
    assert words(text) == expected


def test_a_sign_makes_another_sequence_of_tokens_and_a_hyphen_or_bold_type_does_not():
    assert tokens("x + 2") != tokens("x - 2")
    assert tokens("x − 2") == tokens("x-2")
    assert tokens("a well-known **fact**") == tokens("a well known fact")


def test_a_text_without_letters_is_itself():
    assert letters("△ + □ = ?") == "△+□=?"
    assert letters(" ") == ""


def test_masks_hide_numbers_alone():
    assert masked(words("Tom has 3 apples and 2.50 dollars, x2")) == [
        *("tom", "has", "#", "apples", "and", "#", "dollars", "x2")
    ]
