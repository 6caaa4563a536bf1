"""What comes of a request that gets no answer: a setback of this one, or a reason to send no more."""

from dataclasses import dataclass

from jz3.generation.served_answers import Body


@dataclass(frozen=True)
class Setback:
    """An attempt that gave no answer."""

    reason: str
    again: bool
    """Whether another attempt, now or on another day, may give one."""
    paid: bool
    """Whether it may have been paid for: nobody knows what became of it."""
    wait_s: float | None = None
    """What the server asks for."""
    busy: bool = False
    """The server is at its limits: others should wait, too."""
    own: bool = False
    """The reason is this prompt, as the server's words say: others need not meet it."""
    textless: Body | None = None
    """The thoughts that came in place of an answer, which are kept."""


@dataclass(frozen=True)
class Stop:
    """Why no request at all can be answered."""

    reason: str


@dataclass(frozen=True)
class Unanswered:
    """Reasons by key of the requests that a run leaves without an answer."""

    failed: dict[str, str]
    """They are refused, or answered without a text: another day gives the same."""
    delayed: dict[str, str]
    """Another day may answer them."""
