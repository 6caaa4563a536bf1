"""Ask: one request of a recipe to its teacher, with what its answer is held against.

Promise: an ask is named by recipe, operator, seeds, variant and draw alone. So a recipe that asks for more
draws asks for the new ones, and neither the order of the seeds nor the other operators move any of them.
"""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.hashing import content_id
from jz3.sandbox.settings import Limits
from jz3.teacher.tool_use import ToolUse
from jz3.teacher.workings import Working
from jz3.text.problem_text import Unusable


class RecipePromptError(UserError):
    """A prompt of a recipe is missing, or its places are wrong."""


class AcrossSeedsError(UserError):
    """A cap is set, and a recipe asks for what hangs on several seeds or passages."""


@dataclass(frozen=True)
class Origin:
    """The passage that a problem is written from; of several the first."""

    passage_id: str
    source: str
    """Of the passage."""
    level: str | None
    """Of the problem."""


@dataclass(frozen=True)
class Ask:
    """One request: the problem that it is about, and how its answer is judged."""

    recipe: str
    operator: str
    seed_ids: tuple[str, ...]
    """Of seed problems, or of the passages that the recipe takes in their place."""
    parent_ids: tuple[str, ...]
    variant: str
    draw: int
    question: str
    """That the row will hold, where the answer is kept."""
    prompt: str
    expected: str | None
    expected_from: Literal["gold", "masked", "executed", "none"]
    form: Literal["solution", "attempt", "correction", "text"] = "solution"
    """All but `text` become rows. From an `attempt`, and from its `correction`
    (jz3/teacher/corrections.py), the recipe goes on, whether it is right or wrong; `text` is written on the
    way to a row: the recipe reads it, and asks on.
    """
    confirmed: bool = True
    """Whether one right answer is enough. If not, the first draws of the same seeds, variant and operator
    must agree (jz3/teacher/agreement.py).
    """
    followed_by: tuple[tuple[str, float], ...] = ()
    """Of what the recipe goes on from: operators, and the most asks of each that it leads to, or the mean
    where that depends on whether it is right.
    """
    composed: bool = False
    """Whether the question is a new one over several seeds: it has the level and the subject of none."""
    origin: Origin | None = None
    """Of what is written from passages; None: from seed problems."""
    counted: bool = False
    """Whether an equal answer to an equal question is a row, since the recipe counts votes; else it is
    `repeated`.
    """
    tool: ToolUse | None = None
    """Of a solution that may hold programs (jz3/teacher/tool_solutions.py); None: it is prose."""

    @cached_property
    def ask_id(self) -> str:
        """Also the id of the problem that comes of it."""
        return content_id(self.recipe, self.operator, *self.seed_ids, self.variant, str(self.draw))


@dataclass(frozen=True)
class Judged:
    """What a recipe found of something that is no row: a text on the way, or a form of a seed (its
    masking).
    """

    row_id: str
    operator: str
    refusal: Unusable | None
    """None where it is kept: it lives on in the asks that it leads to."""


@dataclass(frozen=True)
class Program:
    """A program that a recipe has run between its asks."""

    row_id: str
    """What its output is sent back under."""
    operator: str | None
    """Whose row is rejected where the program fails; None: no row is, and nothing is sent back."""
    source: str
    limits: Limits


@dataclass(frozen=True)
class Round:
    """Asks and programs that need no answer of one another, and what was judged of the round before."""

    asks: Sequence[Ask]
    judged: Sequence[Judged]
    programs: Sequence[Program] = ()
    workings: Sequence[Working] = ()
    """What the recipe leaves beside its problems; of several rounds all."""


Rounds = Generator[Round, Mapping[str, str], None]
"""A recipe: it yields a round and is sent the texts that came of it, by `ask_id`: those of the form `text`
that ended as they should; attempts and corrections, right or wrong; and solutions up to the output of a
program that was run. So are the outputs of programs that ended well, by `row_id`.
"""


def seed_of(one: Ask) -> str:
    """The seed that an ask hangs on. Raises AcrossSeedsError where there are several."""
    if len(one.seed_ids) != 1:
        raise AcrossSeedsError(
            f"budget.teacher_tokens caps what a seed takes, and {one.recipe} asks across {len(one.seed_ids)} "
            f"seeds ({one.operator}); asks of one seed each were expected. Set it to null for this recipe."
        )
    return one.seed_ids[0]


def read_prompt(directory: InFiles, name: str, places: tuple[str, ...]) -> str:
    """The text of a prompt that has each place, such as `{question}`, once. Raises RecipePromptError."""
    file = directory.path / name
    if not file.is_file():
        raise RecipePromptError(
            f"{file} does not exist; a prompt of the recipe was expected. `git checkout {file}` restores it."
        )
    text = file.read_text(encoding="utf-8")
    wrong = [place for place in places if text.count(place) != 1]
    if wrong:
        raise RecipePromptError(
            f"{file} has {', '.join(wrong)} not once; each of {', '.join(places)} was expected once. "
            f"Mend it, or restore it with `git checkout {file}`."
        )
    return text


def filled(template: str, values: Mapping[str, str]) -> str:
    """A prompt with a text in each place; what stands in a text is no place."""
    places = "|".join(map(re.escape, values))
    return re.sub(places, lambda place: values[place[0]], template)
