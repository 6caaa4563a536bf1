"""Verdicts on an answer, or on the answer in a response, by the rules of its benchmark."""

from dataclasses import dataclass

from jz3.answers.benchmark_rules import rules_of
from jz3.answers.choices import extract_choice
from jz3.answers.equality import equal, equal_choices
from jz3.answers.extract import NOTHING, extract_lenient
from jz3.answers.gold_form import form_of
from jz3.answers.symbolic import AnswerVerdict


@dataclass(frozen=True, slots=True)
class GradeLine:
    gold: str
    predicted: str | None
    """None if there is no answer: `no_answer`."""
    benchmark: str | None


def grade_answer(line: GradeLine) -> AnswerVerdict:
    if line.predicted is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    rules = rules_of(line.benchmark)
    if rules.letters:
        return equal_choices(line.gold, line.predicted)
    return equal(line.gold, line.predicted, rules.tolerance)


def grade_response(line: GradeLine) -> AnswerVerdict:
    """The verdict on the answer that lenient extraction finds; `no_answer` if it finds none."""
    if line.predicted is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    rules = rules_of(line.benchmark)
    found = (
        extract_choice(line.predicted, rules.letters)
        if rules.letters
        else extract_lenient(line.predicted, form_of(line.gold))
    )
    if found is NOTHING or found.answer is None:
        return AnswerVerdict(equal=False, rule="no_answer")
    return grade_answer(GradeLine(line.gold, found.answer, line.benchmark))
