"""ToolUse: of a solution that may hold programs, what it may compute and what it has computed."""

from dataclasses import dataclass

from jz3.sandbox.settings import Limits


@dataclass(frozen=True)
class ToolUse:
    """For one answer of a teacher."""

    limits: Limits
    """Limits of each program."""
    most_programs: int
    """In the whole solution."""
    begun: str = ""
    """What stands before the answer: up to the output of the last program. Empty at first."""
