"""How a batch stands, and the lines of its result files: what each request came to, by its `custom_id`."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from jz3.generation.loose import fields_of, list_of, loose_json
from jz3.generation.outcomes import Setback, Stop
from jz3.generation.refusals import meaning
from jz3.generation.secrets import Mask
from jz3.generation.served_answers import Body, leniently, masked

NONCE = "jz3"
"""Name of the word in a batch's metadata by which a batch is found again whose id was lost."""


@dataclass(frozen=True)
class BatchError:
    """Why a batch was not begun, and for which of its lines."""

    code: str
    message: str
    line: str


@dataclass(frozen=True)
class Batch:
    """How a batch stands, in the provider's words."""

    id: str
    status: str
    nonce: str | None
    completed: int
    """Requests that it says have an answer."""
    output_file_id: str | None
    error_file_id: str | None
    errors: tuple[BatchError, ...]


@dataclass
class Results:
    """What a batch's files say, by key; of two lines for one request the first counts."""

    bodies: dict[str, Body] = field(default_factory=dict[str, Body])
    failed: dict[str, Setback] = field(default_factory=dict[str, Setback])
    stop: Stop | None = None
    """Where a line says what every other request would meet, too."""
    answered: int = 0
    """Lines that hold an answer of the server with status 200."""
    damaged: int = 0
    """Lines that are no result: a file that was cut on its way, or written so."""
    lacking: bool = False
    """Whether lines are damaged for good, or fewer than the batch says it has answered."""

    @property
    def without_line(self) -> Setback:
        """What a request came to that no line names; it may be one that is lacking, and paid for."""
        if self.lacking:
            return Setback("its line in the batch's results is damaged or missing", again=True, paid=True)
        return Setback("the batch ended without an answer", again=True, paid=False)


def read_batch(said: object, mask: Mask) -> Batch | Setback:
    """A batch as the protocol has it; a setback for anything else, or where its names hold the key."""
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
    """Join by id, never by order."""
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
        return masked(body, mask)
    textless = body.textless and masked(body.textless, mask)
    return Setback(mask.line(body.reason), body.again, paid=True, own=not body.again, textless=textless)
