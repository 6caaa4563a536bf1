r"""`Task: solve`: the solution of a problem that a family words so, in one of several manners.

    Task: solve
    ...
    ### Problem
    (the question)

    ### Solution

The key of the request draws the manner, so that several draws of one question differ as a model's do: how
the solution begins, whether steps stand in a paragraph, a line each or numbered, and how it ends. Steps and
answer are the family's own, so they are always right. What no family words so gets no box.
"""

import re

from jz3.writer.catalogue import read
from jz3.writer.draws import Draws
from jz3.writer.family import latex
from jz3.writer.refusal import Refused

DATA = re.compile(r"^### Problem\n(.*)\n### Solution\s*\Z", re.MULTILINE | re.DOTALL)
STEP_END = re.compile(r"(?<=\.) (?=[A-Z])")

OPENINGS = (
    "",
    "Let us go step by step. ",
    "We write down what is given and work it out. ",
    "First we see what is asked, then we compute. ",
    "We take one step after the other. ",
)
CLOSINGS = (
    "The answer is \\boxed{{{answer}}}.",
    "So the answer is \\boxed{{{answer}}}.",
    "Therefore the answer is \\boxed{{{answer}}}.",
    "This gives the answer \\boxed{{{answer}}}.",
)
UNKNOWN = "I do not know problems of this kind and give no answer."


def solve(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400, "unreadable_prompt", "a prompt of the task 'solve' has '### Problem' and ends '### Solution'"
        )
    return solution_of(asked[1].strip(), key)


def solution_of(question: str, key: str) -> str:
    """A solution with its box; UNKNOWN for what no family words so, or what has no answer."""
    reading = read(question)
    if reading is None or reading.answer is None:
        return UNKNOWN
    family, values = reading.family, reading.values
    solved = {name: latex(value) for name, value in family.solve(values).items()}
    steps = STEP_END.split(family.solution.format(**values.drawn, **solved))
    draws = Draws(key)
    opening = draws.choice("opening", OPENINGS)
    closing = draws.choice("closing", CLOSINGS).format(answer=solved["answer"])
    match draws.choice("layout", ("paragraph", "lines", "numbered")):
        case "paragraph":
            body = " ".join(steps)
        case "lines":
            body = "\n".join(steps)
        case _:
            body = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
            opening = opening.rstrip() + "\n" if opening else ""
    return f"{opening}{body}\n{closing}"
