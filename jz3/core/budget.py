"""The budgets that every arm of the comparison has, whoever spends them.

A stage names the one that it spends, and DVC watches that one alone: a change of what teachers may take runs
no training again that no teacher wrote for.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from jz3.core.params import Params


class Budget(Params):
    """Section `budget`, the same of every arm."""

    training_tokens: int | None = Field(gt=0)
    """Tokens that the training of each model reads, padding not counted: its set is repeated or cut. null:
    each block of the set once.
    """
    teacher_tokens: int | None = Field(gt=0)
    """Prompt and completion tokens that teachers may take for the problems of an arm, helpers and rejected
    answers included. Passages and seeds are taken in the order of their hashes, each with all of its calls.
    null: no cap.
    """


@dataclass(frozen=True)
class OfBudget:
    """Says in the signature of a stage which budget a value is."""

    name: str

    @property
    def section(self) -> str:
        """What DVC watches."""
        return f"budget.{self.name}"


TrainingTokens = Annotated[int | None, OfBudget("training_tokens")]
TeacherTokens = Annotated[int | None, OfBudget("teacher_tokens")]
