"""Outcomes of a request without an answer: a setback of this request, or a reason to send no more."""

from dataclasses import dataclass

from jz3.generation.served_answers import Body

BROKEN_OFF = (
    *("error", "abort", "aborted", "cancelled", "canceled", "timeout"),
    *("server_error", "network_error", "insufficient_system_resource"),
)
"""Finish reasons of an answer that its server did not write to the end (OpenRouter, vLLM, SGLang, Zhipu,
DeepSeek).
"""


@dataclass(frozen=True)
class Setback:
    """An attempt that gave no answer."""

    reason: str
    again: bool
    """Whether another attempt, now or on another day, may give an answer."""
    paid: bool
    """Whether it may have been paid for: its outcome is unknown."""
    wait_s: float | None = None
    """Seconds that the server asks us to wait."""
    busy: bool = False
    """The server is at its limits: other requests should wait, too."""
    own: bool = False
    """The server says that this prompt is the reason: others need not meet it."""
    textless: Body | None = None
    """Thoughts that came instead of an answer; they are kept."""


@dataclass(frozen=True)
class Stop:
    """Why no request at all can be answered."""

    reason: str


@dataclass(frozen=True)
class Unanswered:
    """Requests that a run leaves without an answer: reasons by key."""

    failed: dict[str, str]
    """Refused, or answered without a text: another day would give the same."""
    delayed: dict[str, str]
    """Another day may bring an answer."""


def broken_off(reason: str | None) -> Setback | None:
    """A setback if a server gives this as the end of an answer: another attempt may bring it whole."""
    if reason is None or reason.lower() not in BROKEN_OFF:
        return None
    return Setback(f"the server broke the answer off ({reason})", again=True, paid=True)


def unless_broken_off(outcome: Body | Setback | Stop) -> Body | Setback | Stop:
    """The outcome, or a setback in place of an answer that the server broke off."""
    setback = broken_off(outcome.choices[0].finish_reason) if isinstance(outcome, Body) else None
    return setback or outcome
