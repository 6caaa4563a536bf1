"""Ask: one request of a recipe to its teacher, with what its answer is compared with.

Promise: an ask is named only by recipe, operator, seeds, variant and draw. So a recipe that asks for more
draws asks only for the new ones, and neither the order of the seeds nor other operators change any of them.
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
    """A prompt of a recipe is missing, or its placeholders are wrong."""


class AcrossSeedsError(UserError):
    """A cap is set, but a recipe asks for something that depends on several seeds or passages."""


@dataclass(frozen=True)
class Origin:
    """The passage that a problem is written from; if there are several, the first."""

    passage_id: str
    source: str
    """The source of the passage."""
    level: str | None
    """The level of the problem."""


@dataclass(frozen=True)
class Ask:
    """One request: the problem that it is about, and how to judge its answer."""

    recipe: str
    operator: str
    seed_ids: tuple[str, ...]
    """Ids of seed problems, or of the passages that the recipe uses instead."""
    parent_ids: tuple[str, ...]
    variant: str
    draw: int
    question: str
    """The question in the row, if the answer is kept."""
    prompt: str
    expected: str | None
    expected_from: Literal["gold", "masked", "executed", "none"]
    form: Literal["solution", "attempt", "correction", "text"] = "solution"
    """All forms but `text` become rows. From an `attempt`, and from its `correction`
    (jz3/teacher/corrections.py), the recipe continues, whether it is right or wrong. A `text` is an
    intermediate result: the recipe reads it and asks further.
    """
    confirmed: bool = True
    """Whether one right answer is enough. If not, the first draws with the same seeds, variant and operator
    must agree (jz3/teacher/agreement.py).
    """
    followed_by: tuple[tuple[str, float], ...] = ()
    """If the recipe continues from the answer: operators with the most asks of each that it leads to, or the
    mean number if that depends on whether the answer is right.
    """
    composed: bool = False
    """Whether the question is a new one over several seeds: it has the level and subject of none of them."""
    origin: Origin | None = None
    """For what is written from passages; None if it is written from seed problems."""
    counted: bool = False
    """Whether an answer that equals another to the same question is a row, because the recipe counts votes;
    otherwise it is rejected as `repeated`.
    """
    tool: ToolUse | None = None
    """For a solution that may contain programs (jz3/teacher/tool_solutions.py); None if it is prose."""

    @cached_property
    def ask_id(self) -> str:
        """The name of the ask, which is also the id of the problem that it leads to."""
        return content_id(self.recipe, self.operator, *self.seed_ids, self.variant, str(self.draw))


@dataclass(frozen=True)
class Judged:
    """A recipe's verdict on something that is not a row: an intermediate text, or a form of a seed (its
    masking).
    """

    row_id: str
    operator: str
    refusal: Unusable | None
    """None if it is kept: it lives on in the asks that it leads to."""


@dataclass(frozen=True)
class Program:
    """A program that a recipe runs between its asks."""

    row_id: str
    """The key under which its output is returned."""
    operator: str | None
    """The operator whose row is rejected if the program fails; None: no row is, and nothing is returned."""
    source: str
    limits: Limits


@dataclass(frozen=True)
class Round:
    """Asks and programs that do not depend on one another, and what was judged of the round before."""

    asks: Sequence[Ask]
    judged: Sequence[Judged]
    programs: Sequence[Program] = ()
    workings: Sequence[Working] = ()
    """The tables that the recipe leaves beside its problems; those of all rounds are kept."""


Rounds = Generator[Round, Mapping[str, str], None]
"""A recipe: it yields a round and is sent the resulting texts, by `ask_id`: finished answers of the form
`text`; attempts and corrections, right or wrong; and solutions up to the output of a program that was run.
Outputs of programs that ran without error are sent back by `row_id`.
"""


def seed_of(one: Ask) -> str:
    """The seed that an ask depends on. Raises AcrossSeedsError if there are several."""
    if len(one.seed_ids) != 1:
        raise AcrossSeedsError(
            f"budget.teacher_tokens caps what a seed takes, and {one.recipe} asks across {len(one.seed_ids)} "
            f"seeds ({one.operator}); asks of one seed each were expected. Set it to null for this recipe."
        )
    return one.seed_ids[0]


def read_prompt(directory: InFiles, name: str, places: tuple[str, ...]) -> str:
    """The text of a prompt that has each placeholder, such as `{question}`, once. Raises
    RecipePromptError.
    """
    file = directory.path / name
    if not file.is_file():
        raise RecipePromptError(
            f"{file} does not exist; a prompt of the recipe was expected. `git checkout {file}` restores it."
        )
    text = file.read_text(encoding="utf-8")
    wrong = [place for place in places if text.count(place) != 1]
    if wrong:
        raise RecipePromptError(
            f"{file} does not have {', '.join(wrong)} exactly once; each of {', '.join(places)} was expected "
            f"once. Fix it, or restore it with `git checkout {file}`."
        )
    return text


def filled(template: str, values: Mapping[str, str]) -> str:
    """A prompt with its placeholders filled; placeholders inside the inserted texts do not count."""
    places = "|".join(map(re.escape, values))
    return re.sub(places, lambda place: values[place[0]], template)
