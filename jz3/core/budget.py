"""The budgets that are the same for every arm of the comparison.

A stage names the one that it spends, and DVC watches only that one: a change of the teachers' budget reruns
no training on data that no teacher wrote.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from jz3.core.params import Params


class Budget(Params):
    """Section `budget`, the same for every arm."""

    training_tokens: int | None = Field(gt=0)
    """Tokens that the training of each model reads, without padding: its set is repeated or cut to fit. null:
    each block of the set once.
    """
    teacher_tokens: int | None = Field(gt=0)
    """Prompt and completion tokens that teachers may use for the problems of an arm, including helpers and
    rejected answers. Passages and seeds are taken in the order of their hashes, each with all of its calls.
    null: no cap.
    """


@dataclass(frozen=True)
class OfBudget:
    """States in a stage's signature which budget a value is."""

    name: str

    @property
    def section(self) -> str:
        """The parameter that DVC watches."""
        return f"budget.{self.name}"


TrainingTokens = Annotated[int | None, OfBudget("training_tokens")]
TeacherTokens = Annotated[int | None, OfBudget("teacher_tokens")]
