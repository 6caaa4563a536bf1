"""Ask: one request of a recipe to its teacher, with what its answer is held against.

Promise: an ask is named by recipe, operator, seeds, variant and draw alone. So a recipe that asks for more
draws asks for the new ones, and neither the order of the seeds nor the other operators move any of them.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from jz3.core.artifacts import InFiles
from jz3.core.errors import UserError
from jz3.core.hashing import content_id


class RecipePromptError(UserError):
    """A prompt of a recipe is missing, or its places are wrong."""


@dataclass(frozen=True)
class Ask:
    """One request: the problem that it is about, and how its answer is judged."""

    recipe: str
    operator: str
    seed_ids: tuple[str, ...]
    parent_ids: tuple[str, ...]
    variant: str
    draw: int
    question: str
    """That the row will hold, where the answer is kept."""
    prompt: str
    expected: str | None
    expected_from: Literal["gold", "masked", "executed", "none"]

    @cached_property
    def ask_id(self) -> str:
        """Also the id of the problem that comes of it."""
        return content_id(self.recipe, self.operator, *self.seed_ids, self.variant, str(self.draw))


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
