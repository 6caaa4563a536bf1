"""Extraction: the last matched box, else closing phrases, else the last number; a letter, but not an
article.
"""

import json
import os
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jz3.answers.choices import extract_choice
from jz3.answers.equality import equal
from jz3.answers.extract import extract_lenient, extract_strict
from jz3.answers.grade_file import GradeLine, grade_response

SHARED = Path(os.environ.get("JZ3_SHARED", "../shared"))
MATH = SHARED / "benchmarks" / "math-oai" / "test.jsonl"


@pytest.mark.skipif(not MATH.exists(), reason="no shared folder with benchmarks")
def test_the_solutions_of_math_as_responses_score_everything():
    rows = [json.loads(line) for line in MATH.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == 500
    wrong = [
        (row["answer"], found.answer)
        for row in rows
        for found in (extract_strict(row["solution"]), extract_lenient(row["solution"]))
        if found.answer is None or not equal(row["answer"], found.answer).equal
    ]
    assert wrong == []


braced = st.recursive(
    st.text(alphabet="abc123+-^ ", min_size=1, max_size=6),
    lambda inner: st.tuples(inner, inner).map(lambda pair: f"{pair[0]}{{{pair[1]}}}"),
    max_leaves=6,
)


@given(st.text(alphabet="ab1 .$", max_size=40), braced, st.text(alphabet="ab1 .$}", max_size=40))
def test_the_box_is_found_with_its_own_braces(before, content, after):
    found = extract_strict(f"{before}\\boxed{{{content}}}{after}")
    if content.strip():
        assert (found.answer, found.rule) == (content.strip(), "boxed")


@pytest.mark.parametrize(
    ("response", "answer", "rule"),
    [
        ("first \\boxed{1}, then \\boxed{2}", "2", "boxed"),
        ("\\boxed{\\frac{1}{2}} and an open \\boxed{3", "\\frac{1}{2}", "boxed"),
        ("so \\boxed 5 it is", "5", "boxed"),
        ("He has 3 left.\n#### 1,234", "1,234", "hashes"),
        ("The final answer is $\\frac{1}{2}$. I hope it is correct.", "$\\frac{1}{2}$", "answer_phrase"),
        ("The answer is 5 + 3 = 8.", "8", "answer_phrase"),
        ("The answer is: $5$ apples", "$5$ apples", "answer_phrase"),
        ("The answer is 3.14.", "3.14", "answer_phrase"),
        ("The answer is **12**.", "12", "answer_phrase"),
        ("**Final Answer:** 42\nThat took 17 steps.", "42", "answer_phrase"),
        ("The answer is 18 because 9 + 9 = 18", "18", "answer_phrase"),
        ("The answer is that Tom has 5 apples in the basket", "5", "answer_phrase_number"),
        ("The answer is that Tom bought 5 red apples.", "Tom bought 5 red apples", "answer_phrase"),
        ("The answer is that Tom bought 5 red apples today.", "5 red apples today", "answer_phrase_number"),
        ("It is between 3-5", "5", "last_number"),
        ("It fell to -7.", "-7", "last_number"),
        ("That costs $1,234.50.", "1,234.50", "last_number"),
        ("nothing here", None, "none"),
        ("", None, "none"),
    ],
)
def test_lenient_extraction_finds(response, answer, rule):
    found = extract_lenient(response)
    assert (found.answer, found.rule) == (answer, rule)


def test_strict_extraction_takes_nothing_but_boxes():
    assert extract_strict("The answer is 5.").answer is None
    assert extract_strict("\\boxed{5").answer is None


@pytest.mark.parametrize(
    ("response", "letter"),
    [
        ("The answer is a number between 3 and 4, so choose (C).", "C"),
        ("It is C because a triangle has three sides", "C"),
        ("A triangle has three sides. The answer is B.", "B"),
        ("The answer is A because of symmetry.", "A"),
        ("the answer is c.", "C"),
        ("Answer: D", "D"),
        ("Therefore the correct option is (D). A last remark follows.", "D"),
        ("So \\boxed{\\text{(E)}}", "E"),
        ("So \\boxed{B}", "B"),
        ("The answer is B) 12", "B"),
        ("E", "E"),
        ("none of them", None),
    ],
)
def test_the_letter_of_a_choice_is_no_article(response, letter):
    assert extract_choice(response, "ABCDE").answer == letter


@given(st.text(max_size=200))
def test_no_text_breaks_extraction(text):
    for found in (extract_strict(text), extract_lenient(text), extract_choice(text, "ABCDE")):
        assert (found.answer is None) == (found.rule == "none")


def test_megabytes_and_open_braces_end_at_once():
    start = time.monotonic()
    for hostile in (
        "\\boxed{" * 200_000,
        "\\boxed{" + "{" * 2_000_000,
        "9" * 5_000_000,
        "answer is " * 200_000,
    ):
        extract_strict(hostile)
        extract_lenient(hostile)
        extract_choice(hostile, "ABCDE")
    assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    ("gold", "response", "right"),
    [
        ("5", "$x=2$ and $y=3$, so $x+y=5$.", True),
        ("5", "Adding them gives $x_1 + x_2 = 5$.", True),
        ("25", "Hence $a^2 + b^2 = 25$.", True),
        ("5", "Both together are \\[x + y = 2 + 3 = 5.\\]", True),
        ("6", "$x=2$ and $y=3$, so $x+y=5$.", False),
        ("5", "so $2x = 5$.", False),
        ("5", "so $x^2 = 5$.", False),
        ("5", "so $e^x = 5$.", False),
        ("5", "so $2x \\text{ cm} = 5$.", False),
        ("5", "The line is $x + y = 5x$.", False),
        ("x+y=5", "The line is $x + y = 5$.", True),
    ],
)
def test_an_equation_in_two_unknowns_says_what_a_sum_is_and_one_in_one_unknown_does_not(
    gold, response, right
):
    assert grade_response(GradeLine(gold, response, None)).equal == right
