"""Case, spacing and punctuation change no word; numbers and signs stay as they are."""

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
        (r"$\sqrt{x_1}$", ["sqrt", "x", "1"]),
        ("Café İstanbul", ["cafe", "istanbul"]),
        ("2,345678 ends.Then", ["2", "345678", "ends", "then"]),
        ("", []),
    ],
)
def test_words_of_mathematics(text, expected):
    assert words(text) == expected


@pytest.mark.parametrize(
    "spellings",
    [
        (
            r"\frac{1}{2}",
            r"\dfrac12",
            r"\tfrac{1}2",
            r"\FRAC 1 2",
            "½",
            "1/2",
            r"{1 \over 2}",
            r"\\frac{1}{2}",
        ),
        (r"\left(x\right)", "(x)", r"\bigl( x \bigr)", r"\displaystyle (x)", r"\textstyle\left( x \right)"),
        (r"2 \cdot x", r"2\times x", "2x", "2·x", "2 * x", r"2\,x", r"2\;\!x"),
        (r"a \leq b", r"a \le b", r"a\leqslant b", "a ≤ b", "a <= b", r"a \ge b"),
        (r"x^2 + y_1", "x^{2} + y_{1}", "x² + y₁"),
        (r"\sqrt{2}", r"\sqrt2", "√2", "sqrt(2)"),
        (r"1{,}200", "1,200", r"1,\!200", r"1\,200", "1200"),
        (r"\text{cm}", r"\mathrm{cm}", r"{\rm cm}", "cm", r"\mbox{ cm }", r"\operatorname{cm}"),
        (r"2\pi r", "2πr", "2 pi r"),
        (r"90^\circ", "90°", r"90^{\circ}", r"90\degree"),
        (r"\begin{align*}a&=b\end{align*}", r"\[a=b\]", "$$a = b$$", r"\begin{array}{c|l}a=b\end{array}"),
        (r"x \in \mathbb{R}", "x ∈ ℝ", r"x\in\R"),
        (r"\pmod{7}", "(mod 7)", r"\bmod 7", r"(\text{mod } 7)"),
        ("0.5", ".5"),
    ],
)
def test_a_formula_has_the_same_words_in_any_spelling(spellings):
    assert {tuple(words(f"Let ${text}$ be")) for text in spellings} == {
        tuple(words(f"Let {spellings[-1]} be"))
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("Find 5! mod 7", "Find 5 mod 7"), ("n!!", "n!"), ("(n-1)!", "(n-1)"), ("Compute 5!", "Compute 5")),
        *(("f'(2)", "f(2)"), ("y''", "y'"), ("A'B'C'", "ABC"), ("(fg)'", "(fg)"), ("f′(2)", "f(2)")),
        *(("|x|", "x"), ("∥x∥", "x"), ("⌊x⌋", "⌈x⌉"), ("[0, 1)", "(0, 1)"), ("(2+3)*4", "2+3*4")),
        *(("x-y", "x y"), ("ab-c", "ab c"), (r"\pi-x", r"\pi x"), ("x−y", "x y"), ("3–5", "3 5")),
        *((r"\{1,2\}", "(1,2)"), ("2**3", "2*3"), ("3:4", "3 4"), (".5", "5"), ("5%", "5"), ("30°", "30")),
        *(("A ∪ B", "A ∩ B"), ("x ∈ A", "x ∉ A"), ("x ≠ 3", "x = 3"), ("x != 3", "x = 3"), ("3²", "32")),
        *(("2^{n+1}", "2^n+1"), (r"\frac{1}{x+1}", r"\frac{1}{x}+1"), ("e^{x-y}", "e^x-y"), ("{a=b}", "a=b")),
        *(("3½", "31/2"), ("√2", "2"), ("±2", "2"), ("€5", "£5"), ("x < y", "x ≤ y"), ("p → q", "p ↔ q")),
    ],
)
def test_a_sign_of_mathematics_makes_other_tokens(one, other):
    assert tokens(one) != tokens(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *(("a well-known fact!", "A WELL KNOWN FACT"), ("the x-axis", "the x axis"), ("Janet's", "JANET’S")),
        *(("the letter 'x' is", "the letter x is"), ("I'm", "i’m"), ("rock'n'roll", "ROCK’N’ROLL")),
        *(("Great!! Now", "great now"), ("**Step** 1", "step 1"), ("( 2 + 3 )", "(2+3)"), ("x²", "x^2")),
        *((r"\[x+1\]", r"\(x+1\)"), ("Note: x", "note x"), ("½", "1/2"), ("−5", "-5"), ("0.5", ".5")),
    ],
)
def test_case_spacing_and_punctuation_make_no_other_tokens(one, other):
    assert tokens(one) == tokens(other)


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
