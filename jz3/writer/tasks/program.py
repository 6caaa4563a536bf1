r"""`Task: program`: a solution of a problem up to its program, or one in words.

    Task: program
    ...
    ### Problem
    (the question)

    ### Solution with values hidden
    (where a masked reference is shown)

    ### Solution

The program is the family's own; the key of the request draws the sentence before it, the remarks in it, and
the one in six that is solved in words instead (of the paper's solutions 16.4 % have no program). What no
family words so gets no box.
"""

import re

from jz3.writer.draws import Draws
from jz3.writer.refusal import Refused
from jz3.writer.tasks.manner import UNKNOWN
from jz3.writer.tasks.number_words import read_words
from jz3.writer.tasks.solve import solution_of

DATA = re.compile(
    r"^### Problem\n(.*?)(?:\n### Solution with values hidden\n.*)?\n### Solution\s*\Z",
    re.MULTILINE | re.DOTALL,
)
IN_WORDS = 6
"""One in this many solutions has no program."""
OPENINGS = (
    "Let us compute this with Python.",
    "We let a program work it out.",
    "The values are given, so a short program does it.",
    "We write the values down and compute the answer.",
    "A program prints what is asked for.",
)
REMARKS = (
    "",
    "# the values that the problem states\n",
    "# what the problem gives\n",
    "# first the given values\n",
)


def program(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'program' has '### Problem' and ends '### Solution'",
        )
    return begun(asked[1].strip(), key)


def begun(question: str, key: str) -> str:
    """A sentence and the program, or a solution in words; UNKNOWN if no family words the question."""
    reading = read_words(question)
    if reading is None or reading.answer is None:
        return UNKNOWN
    draws = Draws(key)
    if draws.whole("words", 1, IN_WORDS) == 1:
        return solution_of(question, key)
    code = reading.family.program.format(**reading.values.drawn)
    return f"{draws.choice('opening', OPENINGS)}\n```python\n{draws.choice('remark', REMARKS)}{code}\n```"
