"""The lines of a batch's result files: what each request came to, by its `custom_id`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from jz3.generation.chat import Body, one_line, read_json

AGAIN = (408, 409, 429)
"""Refusals that another attempt may not meet; those of 500 and above, too."""


class _Error(BaseModel):
    code: str | None = None
    message: str | None = None


class _Response(BaseModel):
    status_code: int
    body: Any = None


class _Line(BaseModel):
    custom_id: str
    response: _Response | None = None
    error: _Error | None = None


@dataclass(frozen=True)
class Failed:
    """A request of a batch without an answer."""

    reason: str
    again: bool
    paid: bool
    """Whether it may have been paid for: an answer came that holds no completion."""


@dataclass
class Results:
    """What a batch's files say, by key; of two lines for one request the first counts."""

    bodies: dict[str, Body] = field(default_factory=dict[str, Body])
    failed: dict[str, Failed] = field(default_factory=dict[str, Failed])
    answered: int = 0
    """Lines that hold an answer of the server with status 200."""
    damaged: int = 0
    """Lines that are no result: a file that was cut on its way."""


def read_results(lines: Iterable[bytes]) -> Results:
    """Join by id, never by order."""
    results = Results()
    for line in lines:
        if not line.strip():
            continue
        try:
            read = read_json(_Line, line)
        except ValidationError:
            results.damaged += 1
            continue
        ok = read.response is not None and read.response.status_code == 200
        results.answered += ok
        if read.custom_id in results.bodies or read.custom_id in results.failed:
            continue
        outcome = _outcome(read)
        if isinstance(outcome, Body):
            results.bodies[read.custom_id] = outcome
        else:
            results.failed[read.custom_id] = outcome
    return results


def _outcome(line: _Line) -> Body | Failed:
    if line.response is None:
        error = line.error or _Error()
        return Failed(one_line(f"batch: {error.code}: {error.message}"), again=True, paid=False)
    status = line.response.status_code
    if status != 200:
        again = status in AGAIN or status >= 500
        return Failed(one_line(f"batch: HTTP {status}: {line.response.body}"), again=again, paid=False)
    try:
        body = Body.model_validate(line.response.body)
    except ValidationError as error:
        return Failed(one_line(f"no chat completion: {error}"), again=True, paid=True)
    return body if body.choices else Failed("0 choices instead of 1", again=True, paid=True)
