"""Numbers of a question: which can be masked, and what a masked question looks like."""

from fractions import Fraction
from itertools import pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.teacher.number_masks import VARIABLES, free_variable, masks_of, numbers_in
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws

MASKED = {
    "$80,000": ("$x", 80000),
    "$80,000.": ("$x.", 80000),
    "20%": ("x%", 20),
    "Two": ("x", 2),
    "twenty": ("x", 20),
    "Twenty-five": ("x", 25),
    "two hundred": ("x", 200),
    "1/2": ("x", Fraction(1, 2)),
    "$.50": ("$x", Fraction(1, 2)),
    ".5": ("x", Fraction(1, 2)),
    "1,200.50": ("x", Fraction("1200.5")),
    "(3": ("(x", 3),
    "15\n": ("x\n", 15),
    "[3": ("[x", 3),
    "3]": ("x]", 3),
    "{3}": ("{x}", 3),
    "$5$": ("$x$", 5),
    "$5$.": ("$x$.", 5),
    "$39$,": ("$x$,", 39),
    "$10\\%$": ("$x\\%$", 10),
    "\\(7\\)": ("\\(x\\)", 7),
    "“12”": ("“x”", 12),
}
NOT_MASKED = (
    "half", "half.", "twice", "dozen", "third", "one", "3-inch", "two-inch", "3:30", "2x", "10's",
    "$5,8$",
    "$10^2$", "$x + 3$", "$3 + 4$", "\\frac{3}{4}", "H2O", "3 pm", "7 o'clock", "five o'clock",
    "1/0", "1/2/3",
    "5,8", "v1.2.3", "-4", "x_1", "the 3rd", "2-3",
)  # fmt: skip


@pytest.mark.parametrize("text", list(MASKED))
def test_exactly_the_number_is_replaced(text):
    around = f"She saw {text} and left."
    (mask,) = masks_of(around)
    masked, label = MASKED[text]
    assert mask.text == f"She saw {masked} and left."
    assert mask.label == str(label)
    assert mask.restored == around


@pytest.mark.parametrize("text", NOT_MASKED)
def test_what_is_no_number_of_its_own_stays(text):
    assert masks_of(f"She saw {text} and left.") == []


def test_prices_are_no_formula():
    masks = masks_of("It costs $5 and $6.50, or $80,000 a year; 30% off.")
    assert [mask.label for mask in masks] == ["5", "13/2", "80000", "30"]


def test_a_number_that_stands_twice_is_masked_in_one_place_at_a_time():
    masks = masks_of("In 5 boxes of 5 pens, how many pens are there?")
    assert [(mask.text[:18], mask.label) for mask in masks] == [
        ("In x boxes of 5 pe", "5"),
        ("In 5 boxes of x pe", "5"),
    ]


def test_the_first_free_variable_is_taken():
    assert free_variable("Solve 2x = y.") == "z"
    (mask,) = masks_of("If $x+y=z$, and k is 7, what is it?")
    assert (mask.variable, mask.text) == ("n", "If $x+y=z$, and k is n, what is it?")
    assert masks_of("x y z k n 5") == []
    assert free_variable("Six taxes") == "x", "letters of words are no variables"


TEXTS = st.lists(
    st.sampled_from(
        [*MASKED, *NOT_MASKED, "apples", "and", "cost", ".", "$", "$5 ", "x", "y", "7", "0.25", "$\\pi$", "²"]
    )
    | st.text(max_size=6),
    max_size=12,
).flatmap(lambda parts: st.sampled_from([" ", "", "\n"]).map(lambda blank: blank.join(parts)))


@given(TEXTS)
def test_the_label_put_back_gives_the_question_and_the_variable_is_new(question):
    numbers, masks = numbers_in(question), masks_of(question)
    assert len(masks) in (0, len(numbers))
    assert all(one.end <= other.start for one, other in pairwise(numbers))
    for mask in masks:
        assert mask.restored == question
        assert mask.text[mask.start : mask.start + len(mask.variable)] == mask.variable
        assert mask.variable in VARIABLES
        assert mask.variable not in _letters_alone(question)
        assert _letters_alone(mask.text).count(mask.variable) == 1
        assert mask.written.strip() == mask.written
        assert mask.written


def _letters_alone(text):
    """By words: a method other than the code's."""
    words, word = [], ""
    for letter in [*text, " "]:
        if letter.isascii() and letter.isalpha():
            word += letter
        else:
            words.append(word)
            word = ""
    return [word for word in words if len(word) == 1]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_labels_are_values_of_the_family(family):
    (values,) = distinct_draws(family, "teacher", 1, "masks")
    drawn = [value for value in values.drawn.values() if isinstance(value, int)]
    ratios = {
        str(Fraction(one, other)) for one, other in permutations(drawn, 2) if other
    }  # a/b is one number
    numbers = ratios | set(map(str, drawn))
    for wording in family.wordings:
        question = wording.format(**values.drawn)
        constants = {mask.label for mask in masks_of(wording.format(**_named(values.drawn)))}
        for mask in masks_of(question):
            assert mask.label in numbers | constants


def _named(drawn):
    """The fields of a wording without its numbers."""
    return {name: "N" if isinstance(value, int) else value for name, value in drawn.items()}
