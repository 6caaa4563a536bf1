"""Stories are compared with their graphs: ten written answers, in the styles of several model families."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.teacher.decompositions import Function, Parameter
from jz3.teacher.statements import plain_text
from jz3.teacher.told_problems import not_told

FUNCTIONS = [
    Function("total_cost", "a", "It.", (Parameter("price", "$"), Parameter("item_count", "n")), "$", ""),
    Function("change", "a", "It.", (Parameter("paid", "$"), Parameter("cost", "$")), "$", ""),
]
GOOD = {
    "as asked": (
        "Anna buys 8 lamps at 7 dollars each and pays with 100 dollars. How much change does she get?"
    ),
    "gpt, heading in bold": (
        "**Problem:**\nA lamp costs $7. Ben buys eight of them with a $100 bill. "
        "What is his change, in dollars?"
    ),
    "qwen, thoughts": (
        "<think>7 * 8 = 56, so 44 is left.</think>\nFor eight tickets at seven dollars each, a class hands "
        "over 100 dollars. How many dollars does it get back?"
    ),
    "mistral, in quotation marks": (
        '"Clara needs 8 notebooks. One costs 7 dollars. If she pays with 100 dollars, how much is left?"'
    ),
    "claude, heading and numbers in words": (
        "### Problem\nTwo friends go to a shop that sells cups for $7. They buy 8 cups and give the "
        "shopkeeper one hundred dollars. How much change should they receive?"
    ),
    "deepseek, a title and a courtesy": (
        "**The Lamp Shop**\n\nAnna buys 8 lamps at 7 dollars each and pays with 100 dollars. What is left?"
        "\n\nWould you like the solution?"
    ),
    "llama, escapes dollars": (
        "Problem: A baker sells 8 cakes to one guest, \\$7 a cake. The guest pays $100.\n\n"
        "What change is due?"
    ),
}
BAD = {
    "reply_is_empty": "",
    "remark": "Anna buys 8 lamps at 7 dollars each, with 100 dollars. What is left?\n\n**Hint:** Multiply.",
    "identifier": "Compute total_cost of 7 dollars and 8 lamps, paid with 100 dollars. What is the change?",
    "questions": "Anna buys 8 lamps at 7 dollars each and pays with 100 dollars.",
    "value_missing": "Anna buys 8 lamps at 7 dollars each and pays with a note. What change does she get?",
    "answer_shown": "Anna buys 8 lamps at 7 dollars each, pays with 100 dollars and gets 44. Is it right?",
    "leak": "8 lamps at 7 dollars each cost 56 dollars. Anna pays with 100 dollars. How much does she get?",
    "value_added": "Of 30 lamps Anna buys 8 at 7 dollars each and pays with 100 dollars. What is the change?",
}


def fault(text, leaves=(7, 8, 100), nodes=(56, 44)):
    return not_told(plain_text(text), FUNCTIONS, list(map(Fraction, leaves)), list(map(Fraction, nodes)))


@pytest.mark.parametrize("manner", GOOD)
def test_stories_in_the_manner_of_several_models_are_taken(manner):
    assert fault(GOOD[manner]) is None
    assert "Problem" not in plain_text(GOOD[manner])


@pytest.mark.parametrize("rule", BAD)
def test_stories_that_are_of_no_use_have_their_rule(rule):
    assert fault(BAD[rule]).rule == rule


def test_values_count_as_often_as_they_are_given():
    twice = "One book costs 7 dollars, another 7 dollars. How much do they cost?"
    assert fault(twice, (7, 7), (14,)) is None
    assert fault(twice.replace("another 7 dollars", "another as much"), (7, 7), (14,)).rule == "value_missing"
    assert fault("A book costs 1 dollar, 3 cost more. How much?", (1, 3), (3,)) is None
    assert fault("One book of 7 dollars and 3 more: how much?", (7, 3), (10,)) is None
    assert fault("A day has 24 hours and 44 more. How many?", (24, 44), (44,)) is None


@given(st.lists(st.integers(2, 99), min_size=1, max_size=4, unique=True), st.integers(100, 999), st.data())
def test_a_number_that_is_left_out_changed_or_added_is_found(leaves, result, data):
    def told(numbers):
        return f"There are {', '.join(map(str, numbers))} things. How many are there?"

    assert fault(told(leaves), leaves, (result,)) is None
    gone = data.draw(st.sampled_from(leaves))
    assert fault(told([one for one in leaves if one != gone]), leaves, (result,)).rule == "value_missing"
    assert (
        fault(told([one + 1000 * (one == gone) for one in leaves]), leaves, (result,)).rule == "value_missing"
    )
    assert fault(told([*leaves, 1234]), leaves, (result,)).rule == "value_added"
    assert fault(told([*leaves, result]), leaves, (result,)).rule == "answer_shown"
