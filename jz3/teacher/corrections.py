r"""Reads the new solution from a reflection: an answer in two parts, the first of which names a mistake.

The teacher saw a wrong attempt; its answer says under `[Mistake]` what is wrong and solves the problem again
under `[Solution]`. Only the text under the second mark is a solution, and it must be self-contained: a row
that mentions the attempt would teach a model to confess. Marks are read as models write them: in bold, as
headings, numbered, with a colon, as tags.

Rules: `truncated`, `not_finished`, `no_correction` (the mark is missing or repeated, or the mistake follows
it), `attempt_named` (the solution mentions the attempt), `no_answer`, `still_wrong`.
"""

import re

from jz3.generation.chat import ChatAnswer
from jz3.notation.thoughts import without_thoughts
from jz3.teacher.solutions import Solution, boxed_solution, differing, finished
from jz3.text.problem_text import EVIDENCE_CHARACTERS, Unusable
from jz3.text.reply_frames import unframed

_MISTAKE = r"(?:(?:the|first)\s+)*(?:mistakes?|errors?|wrong\s+step)(?:\s+(?:found|identified|analysis))?"
_SOLUTION = r"(?:(?:the|a|new|full|complete|correct|corrected|revised|step-by-step)\s+)*solution"

_OPENS, _CLOSES = r"\\?[\[<【][ \t]*", r"[ \t]*\\?[\]>】]"
_ENDS = re.compile(
    rf"^[ \t]*[*_]*{_OPENS}/[ \t]*(?:{_MISTAKE}|{_SOLUTION}){_CLOSES}[*_]*[ \t]*$",
    re.IGNORECASE | re.MULTILINE,
)
"""A closing tag."""


def _marks(names: str) -> re.Pattern[str]:
    """In brackets, before a colon, or alone on a line."""
    begins = r"^[ \t]*(?:[*_#>]+[ \t]*)*(?:(?:part[ \t]+)?\d[.):][ \t]*)?[*_]*"
    told = rf"(?:{_OPENS}[*_]*{names}[*_]*{_CLOSES}[*_:]*|{names}[*_]*:[*_]*|{names}[*_]*(?=[ \t]*$))"
    return re.compile(begins + told, re.IGNORECASE | re.MULTILINE)


MISTAKE_MARK, SOLUTION_MARK = _marks(_MISTAKE), _marks(_SOLUTION)
ATTEMPT_NAMED = re.compile(
    r"\b(?:attempt(?:s|ed)?|mistaken?(?:ly)?|mistakes|errors?|erroneous(?:ly)?|incorrect(?:ly)?|wrong(?:ly)?|corrected"
    r"|corrections?|(?:previous|earlier|original|proposed|your)\s+(?:solution|answer|reasoning))\b",
    re.IGNORECASE,
)
"""Words of a reflection. If the question has one, too, it belongs to the story, such as a percent error."""


def corrected(reply: ChatAnswer, question: str) -> str | Unusable:
    """The solution under its mark, whatever its answer."""
    unfinished = finished(reply)
    if unfinished is not None:
        return unfinished
    text = _ENDS.sub("", unframed(without_thoughts(reply.text).replace("\r\n", "\n")))
    marks = list(SOLUTION_MARK.finditer(text))
    if len(marks) != 1 or MISTAKE_MARK.search(text, marks[0].end()):
        return Unusable("no_correction", text.strip()[:EVIDENCE_CHARACTERS])
    solution = unframed(text[marks[0].end() :])
    if not solution:
        return Unusable("no_correction", text.strip()[:EVIDENCE_CHARACTERS])
    asked = question.lower()
    for named in ATTEMPT_NAMED.finditer(solution):
        if named[0].lower() not in asked:
            around = solution[max(0, named.start() - EVIDENCE_CHARACTERS // 2) :]
            return Unusable("attempt_named", around[:EVIDENCE_CHARACTERS])
    return solution


def read_correction(reply: ChatAnswer, expected: str | None, question: str) -> Solution | Unusable:
    """The solution under its mark; with `expected`, a solution with another answer is still wrong."""
    text = corrected(reply, question)
    read = text if isinstance(text, Unusable) else boxed_solution(text)
    if isinstance(read, Unusable) or expected is None:
        return read
    wrong = differing(read, expected)
    return read if wrong is None else Unusable("still_wrong", wrong.evidence)
