r"""Reads the solution of a known problem from a model's answer, and compares it with what is expected.

A solution is the whole answer without what stands around it; its value is the last box. Rules: `truncated`,
`not_finished`, `no_answer` (no box, or an empty one), `answer_differs`. The grader compares values, as it
does for graded responses.
"""

import re
from dataclasses import dataclass

from jz3.answers.equality import equal
from jz3.generation.chat import ChatAnswer
from jz3.notation.thoughts import without_thoughts
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable, last_boxed
from jz3.text.reply_frames import unframed

HEADING = re.compile(r"\A[*_#\s\[]*(?:step[- ]by[- ]step\s+)?solution[\]*_:\s]*(?:\n|:|\Z)", re.IGNORECASE)
LEAD = re.compile(
    r"\A\W*(?:(?:sure|certainly|of course|absolutely)\b[^\n\d]*"
    r"|here(?:[’']s| is) (?:the|a|my|your)\b[^\n\d:]*)"
    r"\bsolution\b[^\n\d:]*:\W*\n",
    re.IGNORECASE,
)
"""Text in front of a solution, from models that chat."""


@dataclass(frozen=True)
class Solution:
    """A usable solution."""

    text: str
    answer: str
    """Content of its last box."""


def read_solution(reply: ChatAnswer, expected: str | None) -> Solution | Unusable:
    """The solution of an answer; with `expected`, a solution with another value is unusable."""
    unfinished = finished(reply)
    if unfinished is not None:
        return unfinished
    solution = boxed_solution(solution_text(reply))
    if isinstance(solution, Unusable) or expected is None:
        return solution
    return differing(solution, expected) or solution


def solution_text(reply: ChatAnswer) -> str:
    """The whole answer without thoughts, frames, and a lead or heading in front."""
    text = unframed(without_thoughts(reply.text).replace("\r\n", "\n"))
    return unframed(HEADING.sub("", LEAD.sub("", text)))


def boxed_solution(text: str) -> Solution | Unusable:
    """A text with the value of its last box."""
    boxed = (last_boxed(text) or "").strip()
    return Solution(text, boxed) if boxed else Unusable("no_answer", text[-EVIDENCE_CHARACTERS:])


def finished(reply: ChatAnswer) -> Unusable | None:
    """Why an answer is incomplete; None if it is complete."""
    if reply.finish_reason == "length":
        return Unusable("truncated", reply.text[-EVIDENCE_CHARACTERS:])
    if reply.finish_reason != "stop":  # content_filter, or another word of a server
        return Unusable("not_finished", f"{reply.finish_reason}: {reply.text}"[:EVIDENCE_CHARACTERS])
    return None


def differing(solution: Solution, expected: str) -> Unusable | None:
    """Why a solution is wrong; None if its value is as expected."""
    if equal(expected, solution.answer).equal:
        return None
    return Unusable("answer_differs", f"{solution.answer!r}; {expected!r} was expected"[:EVIDENCE_CHARACTERS])
