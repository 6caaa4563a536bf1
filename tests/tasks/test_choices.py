"""Choices in the spellings that benchmarks have, and the letter of the right one."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jz3.tasks.choices import CIRCLED, LETTERS, Choices, choices_of, letter_of

SPELLINGS = [
    "({})", "{})", "{}.", "{}:", "[{}]", "{} )", "{} -", "**{}.**", "**({})**", "\\textbf{{({})}}", "（{}）",
    "{}、", "Option {}:", "({}):", "{}.)", "**{}** ",
]  # fmt: skip
TENS = Choices(("10", "20", "30", "40"))
TEXTS = st.lists(
    st.from_regex(r"(?:[1-9][0-9]{0,3}|\$x \+ [0-9]\$|[a-z]{3,6} [a-z]{3,6})", fullmatch=True),
    min_size=2,
    max_size=6,
)


@given(TEXTS, st.sampled_from(SPELLINGS), st.booleans(), st.sampled_from([" ", "\n", "  ", " , "]))
def test_one_text_is_cut_at_its_letters(texts, spelling, lower, between):
    letters = LETTERS.lower() if lower else LETTERS
    text = between.join(f"{spelling.format(letters[n])} {text}" for n, text in enumerate(texts))
    assert choices_of(text).texts == tuple(texts)


@given(TEXTS, st.sampled_from(SPELLINGS), st.booleans(), st.sampled_from(["", " "]))
def test_a_list_loses_its_letters(texts, spelling, lower, between):
    letters = LETTERS.lower() if lower else LETTERS
    between = " " if spelling.endswith("-") else between
    listed = [f"{spelling.format(letters[n])}{between}{text}" for n, text in enumerate(texts)]
    assert choices_of(listed).texts == tuple(texts)
    assert choices_of({"text": texts, "label": list(letters[: len(texts)])}).texts == tuple(texts)
    assert choices_of(dict(zip(letters, texts, strict=False))).texts == tuple(texts)


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
        (["(A):2", "(B):3"], ["2", "3"]),
        ("A):2 B):3", ["2", "3"]),
        (["(A).5", "(B).25"], [".5", ".25"]),
        (["A", "B"], ["A", "B"]),
        (["(A)", "(B)"], ["(A)", "(B)"]),
        ("A. ①② B. ②③ C. ①③ D. ①②③", ["①②", "②③", "①③", "①②③"]),
        (["①②", "②③", "①③"], ["①②", "②③", "①③"]),
        ("A. (1) B. (1), (2) and (3) C. (3)", ["(1)", "(1), (2) and (3)", "(3)"]),
        (["1.5", "2.5", "3.5"], ["1.5", "2.5", "3.5"]),
        (["1:2", "2:1"], ["1:2", "2:1"]),
        ('["3", "4"]', ["3", "4"]),
        ("['A) 3', 'B) 4']", ["3", "4"]),
        ("{'label': ['B', 'A'], 'text': ['4', '3']}", ["3", "4"]),
        ([{"label": "B", "text": "4"}, {"label": "A", "text": 3}], ["3", "4"]),
        ([{"A": "3", "B": None}, {"A": None, "B": "4"}], ["3", "4"]),
        ({"a": "3", "b": "4", "c": None}, ["3", "4"]),
        (["3", "4", None], ["3", "4"]),
        ([1, 2.5], ["1", "2.5"]),
    ],
)
def test_choices_are_those_that_a_reader_sees(options, choices):
    assert choices_of(options).texts == tuple(choices)


@pytest.mark.parametrize(
    "options",
    [
        "no letters here",
        "A) only one",
        7,
        None,
        {"A": "1", "C": "2"},
        [["3"], ["4"]],
        ["3", None, "4"],
        "[1]",
        {},
    ],
)
def test_what_cannot_be_told_apart_is_no_list_of_choices(options):
    with pytest.raises(ValueError, match=r"options|choices"):
        choices_of(options)


NUMBERED = [
    ["(1) 30", "(2) 10", "(3) 20"],
    "1) 30 2) 10 3) 20",
    "1. 30\n2. 10\n3. 20",
    "① 30 ② 10 ③ 20",
    {"text": ["30", "10", "20"], "label": ["1", "2", "3"]},
    {"1": "30", "2": "10", "3": "20"},
]


@pytest.mark.parametrize("options", NUMBERED)
def test_numbers_that_choices_have_are_those_of_the_gold(options):
    choices = choices_of(options)
    assert choices == Choices(("30", "10", "20"), 1)
    assert {letter_of(gold, choices) for gold in (2, "2", "(2)", CIRCLED[1], "B")} == {"B"}
    with pytest.raises(ValueError, match="is none of 3 choices"):
        letter_of(0, choices)


def test_numbers_count_from_what_the_parameters_say():
    assert [letter_of(gold, TENS, 1) for gold in (1, "2", "4", "C")] == ["A", "B", "D", "C"]
    with pytest.raises(ValueError, match="is none of 4 choices"):
        letter_of(0, TENS, 1)


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
    "B -",
    "（b）",
    "B、",
    ["B"],
    "20",
]


@pytest.mark.parametrize("gold", GOLDS)
def test_the_right_choice_is_known_by_letter_place_or_text(gold):
    assert letter_of(gold, TENS) == "B"


@pytest.mark.parametrize(
    "gold", ["E", "Y", 4, -1, 1.5, "", None, True, "(E)", float("nan"), float("inf"), "A cat"]
)
def test_a_gold_that_is_no_choice_is_an_error(gold):
    with pytest.raises(ValueError, match="is none of 4 choices"):
        letter_of(gold, TENS)


@given(st.integers(-30, 30), st.integers(2, 12))
def test_a_place_is_never_taken_for_another(place, count):
    choices = Choices(tuple(f"choice {n}" for n in range(count)))
    assume(not 0 <= place < count)
    with pytest.raises(ValueError, match="is none of"):
        letter_of(place, choices)
