"""Verdicts on one answer or response, by the rules of its benchmark."""

import pytest

from jz3.answers.grade_file import GradeLine, grade_answer, grade_response


@pytest.mark.parametrize(
    ("line", "right"),
    [
        (GradeLine("18", "18.0", None), True),
        (GradeLine("18", "19", "gsm8k"), False),
        (GradeLine("B", "b", "aqua"), True),
        (GradeLine("18", None, None), False),
    ],
)
def test_an_answer_is_judged_by_the_rules_of_its_benchmark(line, right):
    assert grade_answer(line).equal is right


@pytest.mark.parametrize(
    ("line", "rule", "right"),
    [
        (GradeLine("8", "We add: 5 and 3. So \\boxed{8}.", None), "identical", True),
        (GradeLine("C", "A number, so choose (C).", "mmlu_stem"), "identical", True),
        (GradeLine("8", "I do not know", None), "no_answer", False),
        (GradeLine("8", None, None), "no_answer", False),
    ],
)
def test_the_answer_of_a_response_is_extracted_first(line, rule, right):
    verdict = grade_response(line)
    assert verdict.equal is right
    assert right or verdict.rule == rule
