"""Numbers that texts state, rewordings, statements, agreement of draws: what is told apart."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.teacher.agreement import disagreement
from jz3.teacher.masked_values import fitting, known_reading
from jz3.teacher.number_masks import masks_of
from jz3.teacher.stated_numbers import stated_numbers
from jz3.teacher.statements import not_a_rewording, not_a_statement, plain_text
from jz3.writer.catalogue import FAMILIES, Reading, read
from jz3.writer.family import Whole
from jz3.writer.other_values import Fitting, other_values
from jz3.writer.splits import distinct_draws

SAME = [
    ("She has 12 eggs.", "She has a dozen eggs."),
    ("She has 24 eggs and 2 hens.", "Two dozen eggs and a pair of hens are hers."),
    ("It costs $1,200.50 or 20%.", "The price is 1200.50 dollars, or 20 percent."),
    ("There is 1 cat.", "There is one cat."),
    ("A man has one cat and 3 dogs.", "A man has a cat and three dogs."),
    ("Half of 10 are gone.", "Of ten, 1/2 are gone."),
    ("Add \\frac{3}{4} and -2.", "Add 3/4 and -2."),
    ("The ratio is 2/8. Why?", "Is the ratio 2/8?"),
    ("He is twice as old.", "He is 2 times as old."),
    ("Compute $x^2 - 3$.", "What is x^2 - 3?"),
]
OTHER = [
    ("She has 12 eggs.", "She has 13 eggs."),
    ("5 boxes of 5 pens", "5 boxes of pens"),
    ("She has 12 eggs.", "She has two dozen eggs."),
    ("Add 2.", "Add -2."),
    ("20%", "1/5"),
    ("Half of 10", "Twice 10"),
    ("There are 1 and 1.", "There is one."),
    ("1,200 apples", "1 and 200 apples"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_forms_of_the_same_numbers_are_the_same(one, other):
    assert stated_numbers(one).as_in(stated_numbers(other))
    assert stated_numbers(other).as_in(stated_numbers(one))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_other_numbers_are_other_ones(one, other):
    assert not stated_numbers(one).as_in(stated_numbers(other))
    assert not stated_numbers(other).as_in(stated_numbers(one))
    assert not_a_rewording(one, other).rule == "numbers_changed"


@given(st.lists(st.integers(2, 10**6), max_size=6), st.data())
def test_order_and_separators_of_thousands_do_not_matter(numbers, data):
    order = data.draw(st.permutations(numbers))
    plain = " and ".join(f"{number} cats" for number in numbers)
    other = " plus ".join(f"{number:,} cats" for number in order)
    assert stated_numbers(plain).as_in(stated_numbers(other))
    changed = f"{other} plus 77 cats"
    assert not stated_numbers(plain).as_in(stated_numbers(changed))


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_a_masked_number_put_elsewhere_is_a_changed_number(family):
    (values,) = distinct_draws(family, "teacher", 1, "changed")
    question = family.wordings[0].format(**values.drawn)
    for mask in masks_of(question):
        changed = mask.text[: mask.start] + "987" + mask.text[mask.start + len(mask.variable) :]
        assert not_a_rewording(question, changed).rule == "numbers_changed"


QUESTION = "A van holds 7 crates of 8 jars. How many jars?"
REWORDED = "If 7 crates of 8 jars are in a van, how many jars does it hold?"
REPLIES = {
    "as asked": REWORDED,
    "mistral, in quotation marks": f'"{REWORDED}"',
    "gpt, heading in bold": f"**Reworded question:** {REWORDED}",
    "claude, heading": f"### Question\n{REWORDED}\n",
    "qwen, thoughts": f"<think>Are 9 crates in it?</think>\n{REWORDED}",
    "llama, chats": f"Sure! Here is the question in other words:\n\n{REWORDED}",
    "gemma, names it": f"Rephrased problem: “{REWORDED}”",
    "gemini, the prompt's own heading": f"### Question in other words\n\n{REWORDED}",
    "gpt, the heading in bold": f"**Question in other words:**\n{REWORDED}",
    "deepseek, all on one line": f"Here is the question in other words: {REWORDED}",
    "claude, between rules": f"Of course! Here's the reworded problem:\n\n---\n\n{REWORDED}\n\n---",
    "llama, in a fence": f"```text\n{REWORDED}\n```",
    "qwen, quoted, and a courtesy": f"> {REWORDED}\n\nLet me know if you'd like another version!",
    "mistral, a title": f"**The Van**\n\n{REWORDED}",
    "mistral, in French quotation marks": f"The rephrased question is:\n\n«{REWORDED}»",
}


@pytest.mark.parametrize("manner", REPLIES)
def test_texts_in_the_manner_of_several_models_are_read(manner):
    text = plain_text(REPLIES[manner])
    assert text == REWORDED
    assert not_a_rewording(QUESTION, text) is None


BEFORE, LAST = "Tom has x pens and buys 4.", "How many pens has Tom?"
STATEMENTS = {
    "Tom has 12 pens.": None,
    "Tom has a dozen pens.": None,
    "Does Tom have 12 pens?": "not_a_statement",
    "Tom has x pens, which are 12.": "variable_lost",
    "Tom has pens.": "variable_lost",
    "Tom has 12 pens of 5 colors.": "variable_lost",
    "": "reply_is_empty",
}


STATED = {
    "as asked": "Tom has 12 pens.",
    "mistral, in quotation marks": '"Tom has 12 pens."',
    "gpt, heading in bold": "**Statement:** Tom has 12 pens.",
    "qwen, thoughts": "<think>\nHe has 12, I think?\n</think>\n\nTom has 12 pens.",
    "llama, chats": "Sure! Here's the statement:\n\nTom has 12 pens.",
    "claude, heading": "### Rewritten statement\r\n\r\nTom has 12 pens.\r\n",
}


@pytest.mark.parametrize("manner", STATED)
def test_statements_in_the_manner_of_several_models_are_read(manner):
    text = plain_text(STATED[manner])
    assert text == "Tom has 12 pens."
    assert not_a_statement(BEFORE, LAST, text, "x", "12") is None


@pytest.mark.parametrize("text", STATEMENTS)
def test_statements_keep_variable_answer_and_numbers(text):
    found = not_a_statement(BEFORE, LAST, text, "x", "12")
    assert (found.rule if found else None) == STATEMENTS[text]


def test_a_variable_in_the_last_sentence_must_come_through():
    last = "If 3 of x pens are lost, how many of 5 remain?"
    assert not_a_statement("", last, "If 3 of x pens are lost, 2 of 5 remain.", "x", "2") is None
    assert not_a_statement("", last, "If 3 pens are lost, 2 of 5 remain.", "x", "2").rule == "variable_lost"
    assert (
        not_a_statement("", last, "If some of x are lost, 2 of 5 remain.", "x", "2").rule == "variable_lost"
    )


DRAWS = [
    (["8", "8.0", "8", "3", None], True),
    (["8", "8", "8", "3", "3"], False),
    (["8", "8", None, None, None], False),
    (["8", "8", "8", "3", "4"], True),
    (["8", "8", "8", "8", "8", "3", "3"], True),
    ([], False),
]


@pytest.mark.parametrize(("answers", "agree"), DRAWS)
def test_three_of_five_draws_agree_and_no_other_value_comes_twice(answers, agree):
    assert (disagreement(answers, "8") is None) == agree


def reading_of(name, **numbers):
    family = next(one for one in FAMILIES if one.name == name)
    (drawn,) = distinct_draws(family, "teacher", 1, "worked")
    reading = read(family.wordings[0].format(**{**drawn.drawn, **numbers}))
    assert reading.family is family
    return reading


def test_worked_cases_of_uniqueness():
    assert other_values(reading_of("grade.change", a=7, b=8, c=84), "b") == Fitting([], 10)
    common = other_values(reading_of("amc10.divisors", a=12, b=56), "b")
    assert {20, 28, 32} <= set(common.others)
    assert not common.irrelevant
    digit = other_values(reading_of("amc10.last_digit", a=4, b=2), "a")
    assert {14, 16, 26} <= set(digit.others)
    assert other_values(reading_of("college.limit", a=6, b=5, c=3, d=2), "b").irrelevant


def test_the_number_of_a_text_is_its_field():
    reading = reading_of("amc10.divisors", a=12, b=56)
    question = "What is the sum of the positive common divisors of 12 and 56?"
    for mask, field in zip(masks_of(question), "ab", strict=True):
        assert fitting(mask, reading) == other_values(reading, field)


def test_as_many_maskings_are_unique_as_were_measured():
    """The fact sheet has 85.6 % of 2,220 fields, from other draws: 49 families always unique, three never."""
    unique: dict[str, list[bool]] = {}
    for family in FAMILIES:
        for values in distinct_draws(family, "teacher", 12, "unique"):
            reading = Reading(family, values, family.solve(values)["answer"])
            for name, field in family.fields.items():
                if isinstance(field, Whole):
                    unique.setdefault(family.name, []).append(not other_values(reading, name).others)
    shares = [one for found in unique.values() for one in found]
    assert len(shares) == 2_220
    assert sum(shares) / len(shares) == pytest.approx(0.856, abs=0.01)
    never = {name for name, found in unique.items() if not any(found)}
    assert never == {"amc8.units", "amc10.divisors", "amc10.last_digit"}
    assert sum(all(found) for found in unique.values()) == pytest.approx(49, abs=1)


def test_a_value_of_the_wording_is_not_computed():
    family = next(one for one in FAMILIES if one.name == "middle.mean")
    (values,) = distinct_draws(family, "teacher", 1, "mean")
    question = family.wordings[0].format(**values.drawn)
    gold = str(family.solve(values)["answer"])
    three = next(mask for mask in masks_of(question) if mask.written == "three")
    assert fitting(three, known_reading(question, gold)) is None
    assert known_reading(question, str(Fraction(gold) + 1)) is None
