"""A plan: a line for each stage that would run."""

from dataclasses import dataclass, field

from jz3.graph.disk import Disk


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


@dataclass(frozen=True)
class Plan:
    """All stages that would run, upstream first."""

    device: str
    lines: list[Line]
    disk: Disk | None = None
    """Of the whole graph, once it is built."""
