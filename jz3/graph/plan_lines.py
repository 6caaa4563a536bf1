"""A plan: a line for each stage that would run."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jz3.graph.disk import Disk
from jz3.graph.stale import Reason


@dataclass
class Line:
    """A stage that would run. What is None is not known or has no meaning for the stage."""

    stage: str
    why: str
    rows: int | None = None
    stored: int | None = None
    to_do: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    usd: float | None = None
    device_hours: float | None = None
    """On one device of the kind that `execution.yaml:device` says."""
    card_gib: float | None = None
    """GiB that it takes of each card."""
    fits: bool | None = None
    """Whether that is no more than the card of the profile has; None where either is not known."""
    estimated: bool = False
    """Whether a figure of this line was not counted."""
    rows_estimated: bool = False
    stored_estimated: bool = False
    notes: list[str] = field(default_factory=list[str])


def why(reasons: Sequence[Reason]) -> str:
    """The first reason for which a stage would run, and how many more there are."""
    first = reasons[0]
    more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{first.kind} {first.what}{more}"


def cap(line: Line, teacher_tokens: int | None) -> None:
    """Leave out what a stage that asks teachers cannot ask within the budget of its arm (None: no cap). As
    what is in the store counts, too, this is the most that is paid.
    """
    prompt, completion = line.prompt_tokens or 0, line.completion_tokens or 0
    if teacher_tokens is None or prompt + completion <= teacher_tokens:
        return
    share = teacher_tokens / (prompt + completion)
    line.to_do = round((line.to_do or 0) * share)
    line.prompt_tokens, line.completion_tokens = round(prompt * share), round(completion * share)
    line.usd = None if line.usd is None else line.usd * share
    line.notes.append(f"budget.teacher_tokens leaves out what is beyond {teacher_tokens:,} tokens")


@dataclass(frozen=True)
class Plan:
    """All stages that would run, upstream first."""

    device: str
    lines: list[Line]
    disk: Disk | None = None
    """Of the whole graph, once it is built."""
