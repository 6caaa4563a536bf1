"""The state of a batch, and the lines of its result files: the outcome of each request, by its
`custom_id`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jz3.generation.loose import fields_of, list_of, loose_json
from jz3.generation.outcomes import Setback, Stop, unless_broken_off
from jz3.generation.refusals import meaning
from jz3.generation.secrets import Mask
from jz3.generation.served_answers import Body, leniently, masked

NONCE = "jz3"
"""The field in a batch's metadata by which a batch whose id was lost is found."""


@dataclass(frozen=True)
class BatchError:
    """Why a batch was not begun, and which of its lines caused it."""

    code: str
    message: str
    line: str


@dataclass(frozen=True)
class Batch:
    """The state of a batch, in the provider's words."""

    id: str
    status: str
    nonce: str | None
    completed: int
    """How many requests have an answer, according to the provider."""
    output_file_id: str | None
    error_file_id: str | None
    errors: tuple[BatchError, ...]


@dataclass
class Results:
    """The contents of a batch's files by key; if a request has two lines, the first counts."""

    bodies: dict[str, Body] = field(default_factory=dict[str, Body])
    failed: dict[str, Setback] = field(default_factory=dict[str, Setback])
    stop: Stop | None = None
    """Set if a line reports an error that every other request would meet, too."""
    answered: int = 0
    """Lines with an answer of the server and status 200."""
    damaged: int = 0
    """Lines that are no result: the file was cut in transit, or was written like that."""
    lacking: bool = False
    """Whether lines stay damaged, or there are fewer than the batch reports as answered."""

    @property
    def without_line(self) -> Setback:
        """The outcome of a request without a line; it may have been lost after being paid for."""
        if self.lacking:
            return Setback("its line in the batch's results is damaged or missing", again=True, paid=True)
        return Setback("the batch ended without an answer", again=True, paid=False)


def read_batch(said: object, mask: Mask) -> Batch | Setback:
    """The state of a batch; a setback if `said` is not one of the protocol, or if its names contain the
    key.
    """
    fields = fields_of(said)
    names = [fields.get(name) for name in ("id", "output_file_id", "error_file_id")]
    texts = [name for name in names if isinstance(name, str) and name]
    if (
        not isinstance(fields.get("id"), str)
        or not fields["id"]
        or any(mask.line(text) != text for text in texts)
    ):
        return Setback("no batch: it has no usable name", again=True, paid=True)
    errors = [fields_of(error) for error in list_of(fields_of(fields.get("errors")).get("data"))]
    completed = fields_of(fields.get("request_counts")).get("completed")
    nonce = fields_of(fields.get("metadata")).get(NONCE)
    return Batch(
        id=fields["id"],
        status=mask.line(str(fields.get("status"))),
        nonce=nonce if isinstance(nonce, str) else None,
        completed=int(completed) if isinstance(completed, int | float) and 0 <= completed < 1e9 else 0,
        output_file_id=names[1] if isinstance(names[1], str) and names[1] else None,
        error_file_id=names[2] if isinstance(names[2], str) and names[2] else None,
        errors=tuple(
            BatchError(
                str(error.get("code")),
                mask.line(str(error.get("message"))),
                mask.line(str(error.get("line"))),
            )
            for error in errors
        ),
    )


def read_results(lines: Iterable[bytes], mask: Mask) -> Results:
    """Read result lines; they are matched by id, never by order."""
    results = Results()
    for line in lines:
        if not line.strip():
            continue
        read = fields_of(loose_json(line))
        key, response = read.get("custom_id"), fields_of(read.get("response"))
        if not isinstance(key, str):
            results.damaged += 1
            continue
        results.answered += response.get("status_code") == 200
        if key in results.bodies or key in results.failed:
            continue
        outcome = _outcome(read, response, mask)
        if isinstance(outcome, Body):
            results.bodies[key] = outcome
        elif isinstance(outcome, Stop):
            results.stop = results.stop or outcome
        else:
            results.failed[key] = outcome
    return results


def _outcome(line: dict[str, Any], response: dict[str, Any], mask: Mask) -> Body | Setback | Stop:
    status = response.get("status_code")
    if not isinstance(status, int | float):
        error = fields_of(line.get("error"))
        refused = meaning(400, error, None, mask)
        reason = mask.line(f"batch: {error.get('code')}: {error.get('message')}")
        return refused if isinstance(refused, Stop) else Setback(reason, again=True, paid=False)
    if status != 200:
        return meaning(int(status), response.get("body"), None, mask)
    body = leniently(response.get("body"))
    if isinstance(body, Body):
        return unless_broken_off(masked(body, mask))
    textless = body.textless and masked(body.textless, mask)
    return Setback(mask.line(body.reason), body.again, paid=True, own=not body.again, textless=textless)
