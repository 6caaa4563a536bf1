"""Anthropic's Message Batches: requests are sent in the call that begins the batch, and results come as
lines.

A batch has no field for a nonce of ours, and its list does not name requests. So each request's name is its
key and the nonce of its batch: 64 characters, the most that a name may have. A batch whose id was lost is
found as one with the same number of requests and with the nonce in its results; as long as a candidate has
not ended, it is waited for, because sending the requests again would pay twice. Source: Anthropic's reference
of `messages/batches`.
"""

import asyncio
import logging
from collections.abc import Mapping, Set
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

import orjson

from jz3.generation.batch_records import KEY_LENGTH, Record
from jz3.generation.batch_results import Batch
from jz3.generation.bodies import PATHS, body_bytes
from jz3.generation.chat import ChatRequest
from jz3.generation.client import FILE_S, PAGES, Client
from jz3.generation.endpoint import Endpoint
from jz3.generation.loose import count_of, fields_of, list_of, loose_json, word_of
from jz3.generation.outcomes import Setback, Stop
from jz3.generation.secrets import Mask

log = logging.getLogger(__name__)

BATCHES = f"{PATHS['messages']}/batches"
REFUSED = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
}
"""Errors that would occur again on another day, with the status that a call has for them."""
CLOCKS = timedelta(days=1)
"""How far the provider's clock may differ from ours (chosen)."""


class Calls(Client):
    """Calls by path."""

    @classmethod
    def over(cls, client: Client, endpoint: Endpoint, timeout_s: float) -> "Calls":
        """Calls over a client's connections."""
        return cls(client._client, endpoint, timeout_s)

    async def post(self, path: str, body: Mapping[str, Any]) -> bytes | Setback | Stop:
        """The result of posting a body."""
        return await self._outcome(lambda: self._post(path, body), FILE_S)

    async def get(self, path: str) -> bytes | Setback | Stop:
        """The content at a path."""
        return await self._outcome(lambda: self._get(path), FILE_S)


class MessageBatches:
    """What `BatchRun` needs of Anthropic."""

    endpoints = f"the endpoint {BATCHES}"

    def __init__(self, calls: Calls, poll_s: float) -> None:
        self._calls, self._poll_s = calls, poll_s
        self.mask = calls.mask

    def line(self, key: str, request: ChatRequest) -> bytes:
        """A request as the provider reads it, with room for the nonce of its batch."""
        return body_bytes(_named(key, "0" * KEY_LENGTH, request)) + b"\n"

    async def submit(self, requests: Mapping[str, ChatRequest], nonce: str) -> Batch | Setback | Stop:
        """Begin a batch of requests by key. If a setback is `paid`, the batch may have begun."""
        body = {"requests": [_named(key, nonce, request) for key, request in requests.items()]}
        begun = await self._calls.post(BATCHES, body)
        if isinstance(begun, Setback) and not begun.again:
            return replace(begun, paid=False)  # a call that is refused begins nothing
        return _standing(begun, self.mask)

    async def find(self, record: Record, others: Set[str]) -> Batch | Setback | Stop | None:
        """The batch of a record whose id is not known, or None; waits while a candidate is in progress. It
        has none of the ids in `others`.
        """
        while True:
            listed = await self._listed(record, others)
            if not isinstance(listed, list):
                return listed
            for one in listed:
                found = one.ended and await self._has(one, record.nonce)
                if isinstance(found, Setback | Stop):
                    return found
                if found:
                    return one.batch
            waiting = [one.batch.id for one in listed if not one.ended]
            if not waiting:
                return None
            log.info("%s may be a batch that was sent before; its results will say", ", ".join(waiting))
            await asyncio.sleep(self._poll_s)

    async def batch(self, batch_id: str) -> Batch | Setback | Stop:
        """The state of a batch."""
        return _standing(await self._calls.get(f"{BATCHES}/{quote(batch_id, safe='')}"), self.mask)

    async def lines(self, name: str) -> list[bytes] | Setback | Stop:
        """The results of a batch, as lines of a result file; `name` is the batch's id."""
        content = await self._calls.get(f"{BATCHES}/{quote(name, safe='')}/results")
        if not isinstance(content, bytes):
            return content
        return [result_file_line(line) for line in content.split(b"\n")]

    async def _listed(self, record: Record, others: Set[str]) -> "list[_Listed] | Setback | Stop":
        """Candidates for the record, the newest first: batches with as many requests that are not older."""
        since = (date.fromisoformat(record.sent_on) - CLOCKS).isoformat()
        found: list[_Listed] = []
        after = ""
        for _ in range(PAGES):
            page = await self._calls.get(f"{BATCHES}?limit=100{after}")
            if not isinstance(page, bytes):
                return page
            fields = fields_of(loose_json(page))
            if not isinstance(fields.get("data"), list):
                return Setback("no list of batches", again=True, paid=True)
            batches = [_Listed.of(said, self.mask) for said in list_of(fields["data"])]
            named = [one for one in batches if one is not None]
            young = [one for one in named if one.created >= since]
            found += [one for one in young if one.requests == record.requests and one.batch.id not in others]
            if len(young) < len(named) or not fields.get("has_more") or not named:
                break
            after = f"&after_id={quote(named[-1].batch.id, safe='')}"
        return found

    async def _has(self, one: "_Listed", nonce: str) -> bool | Setback | Stop:
        """Whether the results of a batch have that nonce; false if they have been deleted (after 29 days)."""
        content = await self._calls.get(f"{BATCHES}/{quote(one.batch.id, safe='')}/results")
        if isinstance(content, bytes):
            return nonce.encode() in content.partition(b"\n")[0]
        return False if isinstance(content, Setback) and not content.again else content


@dataclass(frozen=True)
class _Listed:
    """A batch in the provider's list."""

    batch: Batch
    requests: int
    created: str
    """Date and time of its creation in RFC 3339, which can be sorted."""

    @property
    def ended(self) -> bool:
        return self.batch.status == "completed"

    @classmethod
    def of(cls, said: object, mask: Mask) -> "_Listed | None":
        batch = read_message_batch(said, mask)
        if isinstance(batch, Setback):
            return None
        fields = fields_of(said)
        counts = fields_of(fields.get("request_counts"))
        requests = sum(count_of(count) or 0 for count in counts.values())
        return cls(batch, requests, word_of(fields.get("created_at")) or "")


def read_message_batch(said: object, mask: Mask) -> Batch | Setback:
    """The state of a batch; a setback if `said` is not one of the reference, or if its name contains the
    key.
    """
    fields = fields_of(said)
    name = fields.get("id")
    if not isinstance(name, str) or not name or mask.line(name) != name:
        return Setback("no batch: it has no usable name", again=True, paid=True)
    ended = fields.get("processing_status") == "ended"
    return Batch(
        id=name,
        status="completed" if ended else "in_progress",
        nonce=None,
        completed=count_of(fields_of(fields.get("request_counts")).get("succeeded")) or 0,
        output_file_id=name if ended else None,
        error_file_id=None,
        errors=(),
    )


def _standing(said: bytes | Setback | Stop, mask: Mask) -> Batch | Setback | Stop:
    return read_message_batch(loose_json(said), mask) if isinstance(said, bytes) else said


def _named(key: str, nonce: str, request: ChatRequest) -> dict[str, Any]:
    return {"custom_id": f"{key}{nonce}", "params": request.body()}


def result_file_line(line: bytes) -> bytes:
    """A line of results in the form of a result file; a line that is none is returned unchanged."""
    read = fields_of(loose_json(line)) if line.strip() else {}
    name, result = read.get("custom_id"), fields_of(read.get("result"))
    if not isinstance(name, str) or not result:
        return line
    whole = {"custom_id": name[:KEY_LENGTH], **_outcome(result)}
    return orjson.dumps(whole)


def _outcome(result: Mapping[str, Any]) -> dict[str, Any]:
    """The outcome of a request. Only messages are paid for, according to the reference."""
    if result.get("type") == "succeeded":
        return {"response": {"status_code": 200, "body": result.get("message")}}
    whole = fields_of(result.get("error"))
    error = fields_of(whole.get("error")) or whole
    kind = word_of(error.get("type")) or ""
    if kind in REFUSED:
        return {"response": {"status_code": REFUSED[kind], "body": {"error": error}}}
    said = {"code": kind or result.get("type"), "message": error.get("message") or "no answer"}
    return {"response": None, "error": said}
