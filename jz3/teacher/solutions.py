r"""Reads the solution of a known problem out of a model's answer, and holds it against what is expected.

A solution is the whole answer but for thoughts and a heading in front; its value is the last box. Rules:
`truncated`, `not_finished`, `no_answer` (no box, or an empty one), `answer_differs`. Values are compared by
the grader, as graded responses are.
"""

import re
from dataclasses import dataclass

from jz3.answers.equality import equal
from jz3.generation.chat import ChatAnswer
from jz3.notation.thoughts import without_thoughts
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable, last_boxed

HEADING = re.compile(r"\A[*_#\s\[]*(?:step[- ]by[- ]step\s+)?solution[\]*_:\s]*(?:\n|:|\Z)", re.IGNORECASE)


@dataclass(frozen=True)
class Solution:
    """A usable solution."""

    text: str
    answer: str
    """Content of its last box."""


def read_solution(reply: ChatAnswer, expected: str | None) -> Solution | Unusable:
    """The solution of an answer; with `expected`, one that ends in another value is unusable."""
    unfinished = finished(reply)
    if unfinished is not None:
        return unfinished
    solution = boxed_solution(solution_text(reply))
    if isinstance(solution, Unusable) or expected is None:
        return solution
    return differing(solution, expected) or solution


def solution_text(reply: ChatAnswer) -> str:
    """The whole answer but for thoughts and a heading in front."""
    return HEADING.sub("", without_thoughts(reply.text).replace("\r\n", "\n")).strip()


def boxed_solution(text: str) -> Solution | Unusable:
    """A text with the value of its last box."""
    boxed = (last_boxed(text) or "").strip()
    return Solution(text, boxed) if boxed else Unusable("no_answer", text[-EVIDENCE_CHARACTERS:])


def finished(reply: ChatAnswer) -> Unusable | None:
    """Why an answer is not whole; None for one that is."""
    if reply.finish_reason == "length":
        return Unusable("truncated", reply.text[-EVIDENCE_CHARACTERS:])
    if reply.finish_reason != "stop":  # content_filter and what else servers say
        return Unusable("not_finished", f"{reply.finish_reason}: {reply.text}"[:EVIDENCE_CHARACTERS])
    return None


def differing(solution: Solution, expected: str) -> Unusable | None:
    """Why a solution is wrong; None where it ends in what is expected."""
    if equal(expected, solution.answer).equal:
        return None
    return Unusable("answer_differs", f"{solution.answer!r}; {expected!r} was expected"[:EVIDENCE_CHARACTERS])
