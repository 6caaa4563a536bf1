"""Which masked copies of a reference are valid, which one is chosen, and the one that a rule makes."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.teacher.masked_references import Reference, copy_alone, fewest_digits, values_in
from jz3.teacher.statements import plain_text
from jz3.writer.catalogue import FAMILIES
from jz3.writer.splits import distinct_draws
from jz3.writer.write import write_draw

QUESTION = (
    "There are 4 bags with 6 apples in each bag, and Tom finds 9 more. How many apples are there in all?"
)
SOLUTION = "The bags hold 4 * 6 = 24 apples.\nAltogether there are 24 + 9 = 33 apples."
BAGS = Reference(QUESTION, SOLUTION, "33")
COPIES = {
    "A": "The bags hold 4 * 6 = M apples.\nAltogether there are M + 9 = N apples.",
    "B": "The bags hold 4 * 6 = 24 apples.\nAltogether there are 24 + 9 = N apples.",
    "C": "The bags hold M apples, altogether N.",
    "D": "The bags hold 4 * 6 = M apples.\nAltogether there are M + 9 = 33 apples. "
    "The answer is \\boxed{33}.",
    "E": "First we look at the bags, which hold, as one can see by a multiplication, 4 * 6 = M apples. "
    "After that we add what Tom finds, which makes M + 9 = N apples.",
    "F": "The bags hold a product M of apples.\nAltogether there are M + 9 = N apples.",
}
FAULTS = {
    "A": None,
    "B": "computed_value",
    "C": "data_lost",
    "D": "gold_shown",
    "E": "length_differs",
    "F": "data_lost",
}


SIZES = {"A": (70, 3), "B": (72, 7), "C": (37, 0), "D": (97, 7), "E": (156, 3), "F": (75, 1)}
"""Characters and digits of each, as in the fact sheet; the reference has 73 and 9."""


def rule(reference, copy, margin=0.5):
    fault = reference.fault(copy, margin)
    return fault and fault.rule


@pytest.mark.parametrize("name", COPIES)
def test_the_copies_of_the_worked_example(name):
    assert rule(BAGS, COPIES[name]) == FAULTS[name]
    assert [(len(text), sum(map(str.isdigit, text))) for text in (SOLUTION, COPIES[name])] == [
        (73, 9),
        SIZES[name],
    ]


MANNERS = {
    "as asked": COPIES["A"],
    "gpt, heading in bold": f"**Masked solution:**\n\n{COPIES['A']}",
    "qwen, thoughts": f"<think>\n4 * 6 is 24, so M.\n</think>\n\n{COPIES['A']}",
    "llama, chats": f"Sure! Here is the solution with the values hidden:\n\n{COPIES['A']}",
    "claude, heading": f"### Solution with values hidden\n\n{COPIES['A']}\n",
    "mistral, in a fence": f"```text\n{COPIES['A']}\n```".replace("\n", "\r\n"),
}


@pytest.mark.parametrize("manner", MANNERS)
def test_copies_in_the_manner_of_several_models_are_read(manner):
    text = copy_alone(plain_text(MANNERS[manner]), SOLUTION)
    assert text == COPIES["A"]
    assert rule(BAGS, text) is None


@pytest.mark.parametrize("head", ["The solution: ", "Solution of the first part:\n", "# Solution\n"])
def test_what_the_reference_begins_with_is_no_heading_of_the_copy(head):
    assert copy_alone(head + COPIES["A"], head + SOLUTION) == head + COPIES["A"]


@settings(max_examples=50)
@given(st.sampled_from(FAMILIES), st.integers(0, 9))
def test_a_copy_without_anything_around_it_stays_as_it_is(family, number):
    values = distinct_draws(family, "teacher", 10, "copies")[number]
    written = write_draw(family, "cot", values, "copy")
    masked = Reference(written.problem, written.solution, written.answer).masked()
    for text in filter(None, (written.solution, masked)):
        assert copy_alone(text, written.solution) == text.strip()


def test_fewest_digits_alone_would_take_the_copy_that_lost_its_data():
    assert fewest_digits(COPIES) == "C"
    assert fewest_digits({name: text for name, text in COPIES.items() if FAULTS[name] is None}) == "A"


@pytest.mark.parametrize(
    ("copy", "expected"),
    [
        ("The bags hold 4 * 6 = N apples.\nAltogether there are N + 9 = M apples.", "letters_mixed"),
        ("The bags hold 4 * 6 = M apples.\nAltogether there are N + 9 = P apples.", "letters_mixed"),
        ("The bags hold 4 * 6 = M apples.\nAltogether there are M + 9 = M apples.", "letters_mixed"),
        ("The bags hold 4 * 6 = M apples.\nAltogether there are M + 9 = thirty-three apples.", "gold_shown"),
        (
            "The bags hold 4 * 6 = M apples.\nAltogether there are twenty-four + 9 = N apples.",
            "computed_value",
        ),
        ("The bags hold 4 * 6 = M apples.\nOf the 5 children M + 9 = N apples.", "foreign_number"),
        ("The bags hold four * six = M apples.\nAltogether there are M + 9 = N apples.", None),
    ],
)
def test_letters_words_and_numbers_of_a_copy(copy, expected):
    assert rule(BAGS, copy) == expected


HOURS = Reference(
    "Ann works 2 hours and 40% of them are breaks. How many minutes are breaks?",
    "The 2 hours are 2 * 60 = 120 minutes. Breaks are 0.4 * 120 = 48 minutes.",
    "48",
)
TRIANGLE = Reference(
    "In the triangle M N P two sides are 3 and 4. What is 3^2 + 4^2?", "It is 3^2 + 4^2 = 9 + 16 = 25.", "25"
)


def test_constants_stay_and_a_per_cent_is_its_fraction():
    masked = "The 2 hours are 2 * 60 = M minutes. Breaks are 0.4 * M = N minutes."
    assert HOURS.masked() == masked
    for copy in (masked, masked.replace("0.4", "40%"), masked.replace("0.4", "\\frac{2}{5}")):
        assert rule(HOURS, copy) in (None, "foreign_number")
    assert rule(HOURS, masked.replace("0.4", "40%")) is None
    assert rule(HOURS, masked.replace("0.4 *", "some of")) == "data_lost"


def test_letters_of_the_question_stand_for_no_value():
    assert TRIANGLE.masked() == "It is 3^2 + 4^2 = Q + R = S."


def test_an_answer_that_the_question_states_may_be_seen():
    apples = Reference("Of 24 apples none is sold. How many of the 24 are left?", "There are 24 left.", "24")
    assert apples.hides_nothing
    assert apples.masked() == "There are 24 left."


@pytest.mark.parametrize(
    ("solution", "gold"),
    [
        ("So the point is \\boxed{(3, x + 1)}.", "(3, x+1)"),
        ("It is x + 77.", "x + 77"),
        ("The root of 3 is \\sqrt{3}.", "\\sqrt{3}"),
    ],
)
def test_a_reference_whose_answer_no_letter_can_hide_is_never_shown(solution, gold):
    assert Reference("Which one is it, for 3 and 1 and 77?", solution, gold).masked() is None


@settings(max_examples=40)
@given(family=st.sampled_from(FAMILIES), draw=st.integers(0, 3))
def test_what_the_rule_masks_is_valid_and_its_values_put_back_give_the_reference(family, draw):
    written = write_draw(family, "cot", distinct_draws(family, "teacher", 4, "masked")[draw], "key")
    reference = Reference(written.problem, written.solution, written.answer)
    masked = reference.masked()
    assert masked is not None
    assert rule(reference, masked) is None
    kept = {value.start for value in values_in(written.solution)}
    place, restored = 0, ""
    for letter in masked:
        same = written.solution[place : place + 1] == letter
        if same or place not in kept:
            restored, place = restored + letter, place + 1
        else:
            end = next(value.end for value in values_in(written.solution) if value.start == place)
            restored, place = restored + written.solution[place:end], end
    assert restored == written.solution
