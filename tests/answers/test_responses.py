"""Whole responses: what is said to the reader is graded, whatever surrounds it.

If a guess in a thought counted, or a formula were cut to its last number, scores would say how answers are
written and not whether they are right.
"""

import json
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.answers.closing import closing_part
from jz3.answers.extract import extract_lenient, extract_strict
from jz3.answers.gold_form import form_of
from jz3.answers.grade_file import GradeLine, grade_answer, grade_response
from jz3.answers.relations import is_label
from tests.answers.response_cases import response_cases

SHARED = Path(os.environ.get("JZ3_SHARED", "../shared"))
FAULTS = SHARED / "faults" / "grader" / "failing.jsonl"
FIELD = SHARED / "faults" / "field" / "responses.jsonl"


def test_every_response_is_judged_rightly():
    cases = list(response_cases())
    kinds = Counter((kind, right) for kind, _, _, right, _ in cases)
    assert len(cases) > 900
    assert {kind for kind, right in kinds if right} >= {"phrase", "box", "thoughts", "tags", "runs on"}
    wrong = [
        (kind, gold, response, verdict)
        for kind, gold, response, right, benchmark in cases
        if (verdict := grade_response(GradeLine(gold, response, benchmark))).equal is not right
    ]
    assert wrong == []


@pytest.mark.skipif(not FAULTS.exists(), reason="no shared folder with cases from the field")
def test_what_failed_in_the_field_is_judged_rightly():
    rows = [json.loads(line) for line in FAULTS.read_text(encoding="utf-8").splitlines()]
    assert len(rows) > 100
    wrong = []
    for row in rows:
        judge = grade_response if row.get("responses") else grade_answer
        start = time.process_time()
        verdict = judge(GradeLine(row["gold"], row["predicted"], row.get("benchmark")))
        if verdict.equal is not row["expected"] or time.process_time() - start > 3:
            wrong.append((row["gold"], row["predicted"][:100], verdict))
    assert wrong == []


@pytest.mark.skipif(not FIELD.exists(), reason="no shared folder with cases from the field")
def test_the_responses_of_the_field_are_judged_as_they_should():
    for row in map(json.loads, FIELD.read_text(encoding="utf-8").splitlines()):
        verdict = grade_response(GradeLine(row["gold"], row["predicted"], row.get("benchmark")))
        seen = "no_answer" if verdict.rule == "no_answer" else "right" if verdict.equal else "wrong"
        assert seen == row["want"], row["name"]


@pytest.mark.parametrize(
    ("gold", "response", "other"),
    [
        ("-4", "The answer is negative 4.", "4"),
        ("-4", "The temperature is minus 4 degrees.", "4"),
        ("-4", "It falls to **minus 4** degrees.", "4"),
        ("-4", "negative 4", "4"),
        ("-4", "\\boxed{\\text{negative } 4}", "4"),
        ("-\\frac12", "The answer is negative $\\frac{1}{2}$.", "\\frac12"),
        ("-4", "So it is either negative 4.", "4"),
        ("4", "So 9 minus 5 is 4.", "-4"),
        ("9", "The charges are 5 and minus 4, so 9.", "-9"),
        ("3", "It may differ by plus or minus 3", "-3"),
        ("-5", "The answer is - 5.", "5"),
        ("5", "The answer is:\n- 5", "-5"),
    ],
)
def test_a_sign_in_words_belongs_to_its_number(gold: str, response: str, other: str):
    assert grade_response(GradeLine(gold, response, None)).equal
    assert not grade_response(GradeLine(other, response, None)).equal


@pytest.mark.parametrize(
    ("exact", "rounded", "response"),
    [
        ("\\frac{4}{23}", "0.174", "The probability is $\\frac{4}{23}$ (about 0.174)."),
        ("\\frac{4}{23}", "0.174", "The probability is $p = \\frac{4}{23}$, or approximately $0.174$."),
        ("2\\sqrt{3}", "3.46", "The length is $2\\sqrt{3}$ cm (≈ 3.46 cm)."),
        ("2\\sqrt{3}", "3.46", "The length is $2\\sqrt{3}$, i.e. roughly 3.46."),
    ],
)
def test_an_exact_value_stays_the_answer_beside_its_rounding(exact: str, rounded: str, response: str):
    assert grade_response(GradeLine(exact, response, None)).equal
    assert grade_response(GradeLine(rounded, response, None)).equal


def test_a_bound_behind_the_verb_is_no_number():
    assert not grade_response(GradeLine("7", "The answer is > 7.", None)).equal
    assert grade_response(GradeLine("7", "The answer is:\n> 7", None)).equal
    assert grade_response(GradeLine("7", "The answer is ~7", None)).equal


@pytest.mark.parametrize(
    ("gold", "response"),
    [
        ("7", "Thus $n = 7$, because $n > 3$."),
        ("7", "Thus $n = 7$ (since $n > 3$)."),
        ("7", "So 7 of them remain since 5 left."),
        ("7", "Since $n > 3$, we find $n = 7$."),
        ("7", "It is odd, since $n > 3$ and so $n = 7$."),
        ("7", "This holds because $n = 7$."),
    ],
)
def test_a_reason_behind_the_answer_says_nothing_more(gold: str, response: str):
    assert grade_response(GradeLine(gold, response, None)).equal


def test_a_decimal_that_is_no_rounding_is_the_later_answer():
    response = "From $x = \\frac{1}{2}$, about 0.75 of it remain."
    assert grade_response(GradeLine("0.75", response, None)).equal
    assert not grade_response(GradeLine("\\frac12", response, None)).equal


@pytest.mark.parametrize(
    ("gold", "response", "other"),
    [
        ("[1,\\infty)", "Thus $x \\ge 1$.", "(1,\\infty)"),
        ("[1,\\infty)", "Thus $x \\geqslant 1$.", "(-\\infty,1]"),
        ("(1,\\infty)", "Thus $x > 1$.", "[1,\\infty)"),
        ("(-\\infty,\\infty)", "So the domain is all real numbers.", "(0,\\infty)"),
        ("\\mathbb{R}", "all reals", "(0,\\infty)"),
        ("(1,2)", "It is $(1, 2)$ for all real numbers.", "\\mathbb{R}"),
    ],
)
def test_an_interval_is_read_from_an_inequality_or_its_name(gold: str, response: str, other: str):
    assert grade_response(GradeLine(gold, response, None)).equal
    assert not grade_response(GradeLine(other, response, None)).equal


@pytest.mark.parametrize(
    ("gold", "response", "other"),
    [
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}", "4"),
        (
            "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
            "\\left(\\begin{array}{c}1\\\\2\\end{array}\\right)",
            "\\begin{pmatrix}2\\\\1\\end{pmatrix}",
        ),
        ("4", "The answer is\n\\begin{align*}\nx &= 2+2\\\\\n&= 4\n\\end{align*}", "2"),
        ("4", "\\boxed{\\begin{aligned}x &= 2+2\\\\&= 4\\end{aligned}}", "2"),
        ("4", "\\begin{align*}&= 2+2\\\\&= 4\\end{align*}", "2"),
    ],
)
def test_an_array_is_the_answer_without_dollar_signs(gold: str, response: str, other: str):
    assert grade_response(GradeLine(gold, response, None)).equal
    assert not grade_response(GradeLine(other, response, None)).equal


thoughts = st.text(alphabet="ab 12\\n$.<>/{}\\\\", max_size=40).filter(lambda text: "<" not in text)
guesses = st.sampled_from(["\\boxed{99}", "The answer is 99.", "#### 99", "<answer>99</answer>", "$x = 99$"])
ends = st.sampled_from(["\\boxed{5}", "The answer is 5.", "#### 5", "<answer>5</answer>", "so $x = 5$."])


@given(thoughts, guesses, ends, st.sampled_from(["think", "thinking", "reasoning", "THINK"]))
@settings(max_examples=200)
def test_a_thought_says_nothing_to_the_reader(thought, guess, end, name):
    assert extract_lenient(f"<{name}>{thought}{guess}</{name}>\n{end}") == extract_lenient(f"\n{end}")
    assert extract_lenient(f"{thought}{guess}</{name}>\n{end}") == extract_lenient(f"\n{end}")
    assert extract_lenient(f"<{name}>{thought}{guess}").answer is None
    assert extract_strict(f"<{name}>{thought}{guess}").answer is None


@given(ends, guesses)
def test_what_runs_on_says_nothing_more(end, guess):
    for mark in (
        "\n\nQuestion: And then?\n",
        "<|im_end|>\n<|im_start|>user\n",
        "</s>",
        "\n\n**Problem 2:** ",
    ):
        if end != "so $x = 5$." or "<" in mark:
            assert closing_part(end + mark + guess).strip() == end


@given(st.text(max_size=200), st.sampled_from(["5", "x+1", "(1,2)", "1,2", "\\text{east}", "A", "x<5"]))
def test_any_text_and_form_have_an_extraction(text, gold):
    found = extract_lenient(text, form_of(gold))
    assert (found.answer is None) == (found.rule == "none")
    grade_response(GradeLine(gold, text, None))


REPEATED = [
    *[
        "\\frac",
        "\\sqrt",
        "(A)",
        "√",
        "2000!",
        "$",
        "\\boxed{",
        "<think>",
        "####",
        "answer is ",
        "\n",
        "{",
        "\\left(",
    ],
    *[
        "x^",
        "1/",
        "|",
        "\\text{",
        "**",
        "5 and ",
        "`",
        "\\begin{pmatrix}1",
        "\\pm",
        "0.(3)",
        "第",
        "_",
        "C(",
        "=",
        "<answer>",
    ],
    *[
        "9**",
        "\\lfloor",
        "\\sin",
        "\\binom",
        "\n\n",
        "<|",
        "```python\n",
        "\\(",
        '"answer": ',
        "5 ",
        "\\mathbf{i}+",
        "%",
    ],
]


@pytest.mark.parametrize("token", REPEATED)
def test_a_token_repeated_without_end_is_judged_at_once(token):
    start = time.process_time()
    for count in (7, 60, 900, 60_000 // len(token)):
        grade_response(GradeLine("5", token * count, None))
        grade_response(GradeLine("B", token * count, "aqua"))
        grade_answer(GradeLine("5", (token * count)[:4000], None))
    assert time.process_time() - start < 3


# Most have several readings that end the same way, and trying all of them takes minutes.
SLOW = {
    "an exponent that begins with noughts": [f"The answer is 2600e{'0' * 20}{'7' * 40}"],
    "a sum that ends in words": [f"So {piece * 24}what" for piece in ("\\f+", "2x+", "\\fpi+", "\\bar{x}+")],
    "letters of one unit": [f"The answer is 9.8 {'Z' * 3_000}!", f"#### 50 {'cen' * 900}\\$cents"],
    "points of one segment": [f"{points}=7" for points in ("A" * 110, "A_1}" * 28, "A_" * 55)],
    "rows of an open display": ["So [" + "a\\\\[" * 5_000, "x \\[ " + "a\\\\[" * 5_000],
    "marks without end": ["I choose " + marks * 6_000 + "what" for marks in ("` \t", "* ", '\\" ')],
    "space without end": [
        before + space * 9_000 + behind
        for space in ("\n ", "\u3000 ")
        for before, behind in (
            ("The answers in ", "{ foo"),
            ("I choose ", "what"),
            ("#### the final answer is", "\x1c\nfoo"),
            ("\\boxed{\\mathbf", "\\cup}"),
        )
    ],
}


@pytest.mark.parametrize("kind", SLOW)
def test_what_took_long_is_read_at_once(kind):
    for response in SLOW[kind]:
        for gold, benchmark in (("x = 1", None), ("B", "aqua")):
            start = time.process_time()
            grade_response(GradeLine(gold, response, benchmark))
            grade_answer(GradeLine(gold, response[:4000], benchmark))
            assert time.process_time() - start < 1, response[:30]


@given(st.lists(st.sampled_from(["A", "BC", "'", "_", "{", "}", "1", "\\angle", " "]), max_size=40))
def test_any_names_of_points_are_read_at_once(points):
    start = time.process_time()
    is_label("".join(points) * 3)
    assert time.process_time() - start < 0.1
