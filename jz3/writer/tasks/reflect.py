r"""`Task: reflect`: what is wrong in an attempt at a problem, and its solution.

    Task: reflect
    ...
    ### Problem
    (the question)

    ### Attempt
    (a solution)

    ### Correction

The first of the family's own steps whose values the attempt does not have is what it should have said;
where it has all of them, its end is named, or that nothing is wrong. The solution behind that is the
family's; the key of the request draws how both are told. What no family words so gets neither.
"""

import re
from collections.abc import Sequence

from jz3.text.problem_text import last_boxed
from jz3.writer.draws import Draws
from jz3.writer.refusal import Refused
from jz3.writer.tasks.manner import UNKNOWN, told
from jz3.writer.tasks.number_words import read_words
from jz3.writer.tasks.solve import steps_of

DATA = re.compile(r"^### Problem\n(.*?)\n### Attempt\n(.*)\n### Correction\s*\Z", re.MULTILINE | re.DOTALL)
MISTAKES = (
    "The first wrong step is where this should stand: {step}",
    "Up to there all is well, but then it should say: {step}",
    "It goes wrong where the right step is this: {step}",
    "This step is not done as it should be: {step}",
)
WRONG_END = "The steps are right, but the answer at the end should be {answer}."
NO_END = "The steps are right, but no answer stands in a box at the end."
NONE = "I find no wrong step."


def reflect(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'reflect' has '### Problem', '### Attempt' and ends '### Correction'",
        )
    reading = read_words(asked[1].strip())
    if reading is None or reading.answer is None:
        return UNKNOWN
    steps, answer = steps_of(reading)
    return f"[Mistake]\n{mistake(steps, answer, asked[2], key)}\n\n[Solution]\n{told(steps, answer, key)}"


def mistake(steps: Sequence[str], answer: str, attempt: str, key: str) -> str:
    """What the attempt should have said, in one sentence."""
    values = set(_numbers(attempt))
    for step in steps:
        if not values.issuperset(_numbers(step)):
            return Draws(key).choice("mistake", MISTAKES).format(step=step)
    boxed = last_boxed(attempt)
    if boxed is None:
        return NO_END
    return NONE if boxed.strip() == answer else WRONG_END.format(answer=answer)


def _numbers(text: str) -> list[str]:
    return re.findall(r"\d+(?:\.\d+)?", text)
