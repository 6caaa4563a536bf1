r"""`Task: mask`: the solution of a problem with the values hidden that are worked out in it.

    Task: mask
    ...
    ### Problem
    (the question)

    ### Solution
    (its solution)

    ### Solution with values hidden

A family's own solution is told with a capital letter in the place of each result that the question does not
state. The key of the request draws how it ends. What no family words so is left alone, and the writer says
so.
"""

import re
from string import Formatter

from jz3.writer.catalogue import Reading
from jz3.writer.draws import Draws
from jz3.writer.family import latex
from jz3.writer.refusal import Refused
from jz3.writer.tasks.number_words import read_words

DATA = re.compile(
    r"^### Problem\n(.*?)\n### Solution\n.*\n### Solution with values hidden\s*\Z", re.MULTILINE | re.DOTALL
)
NOT_KNOWN = "I do not know problems of this kind and cannot tell which values are worked out."
LETTERS = "MNPQRSTUVWXYZ"
ENDINGS = (
    "",
    "\nThe answer is {letter}.",
    "\nSo the answer is {letter}.",
    "\nThe answer is \\boxed{{{letter}}}.",
)


def mask(prompt: str, key: str) -> str:
    """The answer to a prompt of this task. Raises Refused for one without its headings."""
    asked = DATA.search(prompt)
    if asked is None:
        raise Refused(
            400,
            "unreadable_prompt",
            "a prompt of the task 'mask' has '### Problem', '### Solution' and ends "
            "'### Solution with values hidden'",
        )
    reading = read_words(asked[1].strip())
    return NOT_KNOWN if reading is None or reading.answer is None else hidden(asked[1], reading, key)


def hidden(question: str, reading: Reading, key: str) -> str:
    """The family's solution with letters for results that the question does not state, and an ending."""
    family, values = reading.family, reading.values
    results = {name: latex(value) for name, value in family.solve(values).items()}
    stated = {str(value) for value in values.drawn.values()} | set(re.findall(r"\d+", question))
    single = set(
        re.findall(r"(?<![A-Za-z])[A-Z](?![A-Za-z])", family.solution.format(**values.drawn, **results))
    )
    free = (letter for letter in LETTERS if letter not in single)
    letter_of: dict[str, str] = {}
    for _, name, _, _ in Formatter().parse(f"{family.solution}{{answer}}"):
        if name in results and results[name] not in stated and results[name] not in letter_of:
            letter_of[results[name]] = next(free)
    shown = {name: letter_of.get(value, value) for name, value in results.items()}
    ending = Draws(key).choice("ending", ENDINGS).format(letter=shown["answer"])
    return f"{family.solution.format(**values.drawn, **shown)}{ending}"
