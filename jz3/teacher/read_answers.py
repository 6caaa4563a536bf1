"""Reads the answers to a recipe's asks: a text to continue from, or a solution that is compared with gold."""

from collections.abc import Sequence
from itertools import groupby

from jz3.generation.chat import ChatAnswer
from jz3.teacher.agreement import DRAWS, disagreement
from jz3.teacher.asks import Ask
from jz3.teacher.corrections import corrected, read_correction
from jz3.teacher.solutions import Solution, differing, finished, read_solution, solution_text
from jz3.teacher.statements import plain_text
from jz3.teacher.tool_solutions import Begun, read_tool_solution
from jz3.text.problem_text import Unusable


def text_of(one: Ask, reply: ChatAnswer) -> str | Unusable:
    """The intermediate text, or the solution that the recipe continues from, right or wrong."""
    if one.form == "correction":
        return corrected(reply, one.question)
    unfinished = finished(reply)
    if unfinished is not None:
        return unfinished
    return plain_text(reply.text) if one.form == "text" else solution_text(reply)


def read_answer(one: Ask, reply: ChatAnswer) -> Begun | Solution | Unusable:
    """The solution in an answer, or its part before an output that is not yet known."""
    if one.form == "correction":
        return read_correction(reply, one.expected, one.question)
    if one.tool is None:
        return read_solution(reply, one.expected)
    return read_tool_solution(reply, one.expected, one.tool)


def judged_answers(
    answers: Sequence[tuple[Ask, ChatAnswer]],
) -> list[tuple[Ask, Begun | Solution | Unusable]]:
    """Judge each answer by itself; draws that must confirm one another, which must be adjacent, are judged
    together.
    """
    judged: list[tuple[Ask, Begun | Solution | Unusable]] = []
    for confirmed, group in groupby(answers, key=lambda answer: _group(answer[0])):
        some = list(group)
        if confirmed is None:
            judged += [(one, read_answer(one, reply)) for one, reply in some]
        else:
            judged += _confirmed(some)
    return judged


def _group(one: Ask) -> tuple[str, ...] | None:
    """The group of draws that an ask belongs to; None if it stands alone."""
    return None if one.confirmed else (one.operator, *one.seed_ids, one.variant)


def _confirmed(answers: list[tuple[Ask, ChatAnswer]]) -> list[tuple[Ask, Solution | Unusable]]:
    """Judge the draws of one question: the right ones are kept if they agree, otherwise none."""
    expected = answers[0][0].expected
    assert expected is not None, "what is confirmed by draws is held against a value"
    read = [read_solution(reply, None) for _, reply in answers]
    first = [one for (ask_, _), one in zip(answers, read, strict=True) if ask_.draw < DRAWS]
    against = disagreement([one.answer if isinstance(one, Solution) else None for one in first], expected)
    return [
        (ask_, _confirmed_one(one, expected, against)) for (ask_, _), one in zip(answers, read, strict=True)
    ]


def _confirmed_one(read: Solution | Unusable, expected: str, against: str | None) -> Solution | Unusable:
    if not isinstance(read, Solution):
        return read
    wrong = differing(read, expected)
    if wrong is not None:
        return wrong
    return read if against is None else Unusable("not_unique", against)
