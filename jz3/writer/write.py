r"""Writes a problem by rule: a family that fits level and passage, drawn numbers, one of its wordings.

It replaces a teacher model where there is none, and is no language model. Texts are concise, so that a model
with a few million parameters can learn them. Costs some 0.3 ms per problem.
"""

import io
import re
from dataclasses import dataclass
from functools import partial
from typing import Literal

from jz3.writer.catalogue import BY_LEVEL, FAMILIES
from jz3.writer.draws import Draws
from jz3.writer.family import Family, Values, latex, plain
from jz3.writer.splits import Part, draw_of_part

Kind = Literal["cot", "tool"]

MATCH_WEIGHT = 4
"""Weight that each word of a family adds if the passage has it. Chosen: one word makes a family five times as
likely as one without, so that passages matter and every family is still drawn.
"""
MOST_MATCHES = 3
"""The most words that count: otherwise passages full of one word would draw only one family (chosen)."""


@dataclass(frozen=True)
class Written:
    """A problem that a family wrote. `answer` is in the box of `solution`."""

    family: str
    problem: str
    solution: str
    answer: str

    @property
    def text(self) -> str:
        """The problem in the form that the prompt templates ask for."""
        return f"[Problem]\n{self.problem}\n\n[Solution]\n{self.solution}"


def write_problem(
    level: str, kind: Kind, passage: str, key: str, part: Part, refused: frozenset[str] = frozenset()
) -> Written:
    """The problem that a key (a prompt and its seed) draws for a passage at a level; at a level without
    families of its own, from all families. `refused` names families that are not drawn, never all of a level.
    """
    draws = Draws(key)
    families = tuple(family for family in BY_LEVEL.get(level, FAMILIES) if family.name not in refused)
    words = frozenset(re.findall(r"[a-z]+", passage.lower()))
    weights = tuple(_weight(family, words) for family in families)
    family = draws.weighted("family", families, weights)
    values = draw_of_part(family, part, f"{key}\x00{family.name}")
    return write_draw(family, kind, values, key)


def write_draw(family: Family, kind: Kind, values: Values, key: str) -> Written:
    """The problem of drawn values, in a wording that the key draws."""
    problem = Draws(key).choice("wording", family.wordings).format(**values.drawn)
    solved = family.solve(values)
    if kind == "cot":
        answer = latex(solved["answer"])
        shown = {name: latex(value) for name, value in solved.items()}
        steps = family.solution.format(**values.drawn, **shown)
    else:
        answer = plain(solved["answer"])
        program = family.program.format(**values.drawn)
        steps = f"```python\n{program}\n```\n```output\n{printed(program)}\n```"
    solution = f"{steps}\nThe answer is \\boxed{{{answer}}}."
    return Written(family=family.name, problem=problem, solution=solution, answer=answer)


def printed(program: str) -> str:
    """The output of a family's own program. (`redirect_stdout` would mix up the threads of the server.)"""
    output = io.StringIO()
    exec(program, {"print": partial(print, file=output)})  # our own text, not a model's
    return output.getvalue().strip()


def _weight(family: Family, words: frozenset[str]) -> int:
    return 1 + MATCH_WEIGHT * min(MOST_MATCHES, sum(word in words for word in family.words))
