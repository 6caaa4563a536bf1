r"""`Task: solve`: the solution of a problem that a family words so, in one of several manners.

    Task: solve
    ...
    ### Problem
    (the question)

    ### Solution

Steps and answer are the family's own, so they are always right; the key of the request draws how they are
told (`manner.py` beside this). A number of the question may be in words, and the
question in a frame (`frames.py`). What no family words so gets no
box.
"""

import re

from jz3.writer.catalogue import Reading
from jz3.writer.family import latex
from jz3.writer.refusal import Refused
from jz3.writer.tasks.manner import UNKNOWN, told
from jz3.writer.tasks.number_words import read_words

DATA = re.compile(r"^### Problem\n(.*)\n### Solution\s*\Z", re.MULTILINE | re.DOTALL)
STEP_END = re.compile(r"(?<=\.) (?=[A-Z])")


def solve(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400, "unreadable_prompt", "a prompt of the task 'solve' has '### Problem' and ends '### Solution'"
        )
    return solution_of(asked[1].strip(), key)


def solution_of(question: str, key: str) -> str:
    """A solution with its box; UNKNOWN if no family words the question, or if it has no answer."""
    reading = read_words(question)
    if reading is None or reading.answer is None:
        return UNKNOWN
    steps, answer = steps_of(reading)
    return told(steps, answer, key)


def steps_of(reading: Reading) -> tuple[list[str], str]:
    """The family's own steps to the answer of a question that has one, and the answer as in prose."""
    family, values = reading.family, reading.values
    solved = {name: latex(value) for name, value in family.solve(values).items()}
    return STEP_END.split(family.solution.format(**values.drawn, **solved)), solved["answer"]
