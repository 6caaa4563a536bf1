"""ToolUse: what a solution that may contain programs may compute, and what it has computed."""

from dataclasses import dataclass

from jz3.sandbox.settings import Limits


@dataclass(frozen=True)
class ToolUse:
    """For one answer of a teacher."""

    limits: Limits
    """Limits of each program."""
    most_programs: int
    """The most programs in the whole solution."""
    begun: str = ""
    """The text before the answer, up to the output of the last program. Empty at first."""
