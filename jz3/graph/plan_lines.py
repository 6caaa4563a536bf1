"""A plan: a line for each stage that would run."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from jz3.graph.disk import Disk
from jz3.graph.stale import Reason


@dataclass
class Line:
    """A stage that would run. Fields that are unknown, or have no meaning for the stage, are None."""

    stage: str
    why: str
    rows: int | None = None
    stored: int | None = None
    to_do: int | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    usd: float | None = None
    device_hours: float | None = None
    """Hours on one device of the kind that `execution.yaml:device` names."""
    card_gib: float | None = None
    """GiB that the stage takes on each card."""
    fits: bool | None = None
    """Whether the profile's card has that much; None if either figure is unknown."""
    estimated: bool = False
    """Whether any figure of this line is an estimate."""
    rows_estimated: bool = False
    stored_estimated: bool = False
    notes: list[str] = field(default_factory=list[str])


def why(reasons: Sequence[Reason]) -> str:
    """The first reason why a stage would run, and how many more there are."""
    first = reasons[0]
    more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
    return f"{first.kind} {first.what}{more}"


def cap(line: Line, teacher_tokens: int | None) -> None:
    """Leave out the requests that do not fit into the budget of the arm (None: no cap).

    Answers in the store count, too, so this is the most that will be paid.
    """
    prompt, completion = line.prompt_tokens or 0, line.completion_tokens or 0
    if teacher_tokens is None or prompt + completion <= teacher_tokens:
        return
    share = teacher_tokens / (prompt + completion)
    line.to_do = round((line.to_do or 0) * share)
    line.prompt_tokens, line.completion_tokens = round(prompt * share), round(completion * share)
    line.usd = None if line.usd is None else line.usd * share
    line.notes.append(f"budget.teacher_tokens leaves out what is beyond {teacher_tokens:,} tokens")


def must_fit(line: Line, teacher_tokens: int | None) -> None:
    """Say how a recipe that cannot be cut would end if it is larger than the budget of its arm."""
    tokens = (line.prompt_tokens or 0) + (line.completion_tokens or 0)
    if teacher_tokens is not None and tokens > teacher_tokens:
        line.notes.append(
            f"asks across seeds: budget.teacher_tokens ({teacher_tokens:,}) can leave nothing out, and it "
            f"ends with an error if it takes more: ask for less"
        )


@dataclass(frozen=True)
class Plan:
    """All stages that would run, upstream first."""

    device: str
    lines: list[Line]
    disk: Disk | None = None
    """Disk space of the whole graph, once it is built."""
