"""Choices in the spellings that benchmarks have, and the letter of the right one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jz3.tasks.choices import LETTERS, choices_of, letter_of

SPELLINGS = ["({})", "{})", "{}.", "{}:", "[{}]", "{} )", "{} -", "**{}.**", "**({})**", "\\textbf{{({})}}"]
TEXTS = st.lists(
    st.from_regex(r"(?:[1-9][0-9]{0,3}|\$x \+ [0-9]\$|[a-z]{3,6} [a-z]{3,6})", fullmatch=True),
    min_size=2,
    max_size=6,
)


@given(TEXTS, st.sampled_from(SPELLINGS), st.booleans(), st.sampled_from([" ", "\n", "  ", " , "]))
def test_one_text_is_cut_at_its_letters(texts, spelling, lower, between):
    letters = LETTERS.lower() if lower else LETTERS
    text = between.join(f"{spelling.format(letters[n])} {text}" for n, text in enumerate(texts))
    assert choices_of(text) == tuple(texts)


@given(TEXTS, st.sampled_from(SPELLINGS), st.booleans(), st.sampled_from(["", " "]))
def test_a_list_loses_its_letters(texts, spelling, lower, between):
    letters = LETTERS.lower() if lower else LETTERS
    between = " " if spelling.endswith("-") else between
    listed = [f"{spelling.format(letters[n])}{between}{text}" for n, text in enumerate(texts)]
    assert choices_of(listed) == tuple(texts)
    assert choices_of({"text": texts, "label": list(letters[: len(texts)])}) == tuple(texts)
    assert choices_of(dict(zip(letters, texts, strict=False))) == tuple(texts)


@pytest.mark.parametrize(
    ("options", "choices"),
    [
        (
            "A) 0 < x < 1 B) (B) is wrong C) none of A, B and C",
            ["0 < x < 1", "(B) is wrong", "none of A, B and C"],
        ),
        (r"$\textbf{(A)}\ 3 \qquad \textbf{(B)}\ 4 \qquad\textbf{(C)}\ 5$", ["3", "4", "5"]),
        ("A.550 B.600", ["550", "600"]),
        (["E. coli", "B. subtilis"], ["E. coli", "B. subtilis"]),
        (["A)5(√3 + 1)", "B) a (b) c"], ["5(√3 + 1)", "a (b) c"]),
        (["A", "B"], ["A", "B"]),
        ([1, 2.5], ["1", "2.5"]),
    ],
)
def test_choices_are_those_that_a_reader_sees(options, choices):
    assert choices_of(options) == tuple(choices)


@pytest.mark.parametrize("options", ["no letters here", "A) only one", 7, None, {"A": "1", "C": "2"}])
def test_what_cannot_be_told_apart_is_no_list_of_choices(options):
    with pytest.raises(ValueError, match=r"options|choices"):
        choices_of(options)


GOLDS = [
    "B",
    " (B)",
    "B.",
    "b",
    "(b)",
    "**B**",
    r"$\textbf{(B)}$",
    r"\boxed{B}",
    "B) 20",
    1,
    1.0,
    "Answer: B",
    "20",
]


@pytest.mark.parametrize("gold", GOLDS)
def test_the_right_choice_is_known_by_letter_place_or_text(gold):
    assert letter_of(gold, ["10", "20", "30", "40"]) == "B"


@pytest.mark.parametrize(
    "gold", ["E", "Y", 4, -1, 1.5, "", None, True, "(E)", float("nan"), float("inf"), "A cat"]
)
def test_a_gold_that_is_no_choice_is_an_error(gold):
    with pytest.raises(ValueError, match="is none of 4 choices"):
        letter_of(gold, ["10", "20", "30", "40"])


@given(st.integers(-30, 30), st.integers(2, 12))
def test_a_place_is_never_taken_for_another(place, count):
    choices = [f"choice {n}" for n in range(count)]
    assume(not 0 <= place < count)
    with pytest.raises(ValueError, match="is none of"):
        letter_of(place, choices)
