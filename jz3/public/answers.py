r"""Answers: extract one from a response, grade it, or take a majority vote. Needs only the core, no model.

Safe in threads and processes: the few answers that need sympy go to a worker process, one for each process.

>>> grade("1/2", "So it is $0.5$. The answer is \\boxed{0.5}.")
Verdict(equal=True, rule='number', extracted='0.5')
>>> parse("We add 5 and 3. The answer is 8.")
'8'
>>> vote(["1/2", "0.5", "3", None])
'1/2'
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jz3.answers.benchmark_rules import rules_of
from jz3.answers.choices import extract_choice
from jz3.answers.equality import equal, equal_choices
from jz3.answers.extract import extract_lenient, extract_strict
from jz3.answers.gold_form import form_of


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a response is right, the rule that says so (docs/evaluation.md), and the answer in it."""

    equal: bool
    rule: str
    extracted: str | None


def grade(gold: str, response: str | None, *, benchmark: str | None = None) -> Verdict:
    r"""Grade a whole response, or a bare answer, against the gold answer of its item.

    `benchmark` names one of `jz3.answers.benchmark_rules`, such as aqua, whose answers are letters; others
    are graded by the default rules. No text of a model makes it raise. For columns use
    `[grade(*pair) for pair in zip(golds, responses)]`, with lists, polars series or arrow's `to_pylist()`.

    >>> grade("B", "so (B) it is", benchmark="aqua").equal
    True
    >>> grade("18", None)
    Verdict(equal=False, rule='no_answer', extracted=None)
    """
    _must_be_text(gold, "gold")
    if response is None:
        return Verdict(equal=False, rule="no_answer", extracted=None)
    _must_be_text(response, "response")
    rules = rules_of(benchmark)
    found = (
        extract_choice(response, rules.letters) if rules.letters else extract_lenient(response, form_of(gold))
    )
    if found.answer is None:
        return Verdict(equal=False, rule="no_answer", extracted=None)
    if rules.letters:
        verdict = equal_choices(gold, found.answer)
    else:
        verdict = equal(gold, found.answer, rules.tolerance)
    return Verdict(verdict.equal, verdict.rule, found.answer)


def parse(response: str, *, strict: bool = False) -> str | None:
    r"""The final answer of a response, or None; with `strict` only boxes count.

    >>> parse("The answer is 8.", strict=True) is None
    True
    """
    _must_be_text(response, "response")
    return (extract_strict(response) if strict else extract_lenient(response)).answer


def vote(answers: Sequence[str | None]) -> str | None:
    """The most frequent answer, or None if all are None.

    Equal answers count together and are returned in the form of the first; ties go to the earliest. Each
    answer is compared with the distinct ones before it.

    >>> vote([]) is None
    True
    """
    if isinstance(answers, str):
        raise TypeError("answers are one text; a list of texts was expected. Give [answer, ...].")
    votes: dict[str, int] = {}
    for answer in answers:
        if answer is not None:
            _must_be_text(answer, "an answer")
            same = next((other for other in votes if equal(other, answer).equal), answer)
            votes[same] = votes.get(same, 0) + 1
    return max(votes, key=lambda answer: votes[answer], default=None)


def _must_be_text(value: object, name: str) -> None:
    """Raise TypeError for a number, a list and the like: `str` would give one of them another meaning."""
    if not isinstance(value, str):
        raise TypeError(
            f"{name} is {value!r:.60}, of type {type(value).__name__}; a text was expected. Give the answer "
            f"itself as a text."
        )
