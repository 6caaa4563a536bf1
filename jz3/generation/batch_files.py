"""Batches as files: OpenAI's protocol, which other providers use, too.

A file is uploaded, its batch is begun under the file's name, and answers and errors come as two files. A
batch whose id was lost is found by a nonce in its metadata.
"""

from collections.abc import Mapping, Set

from jz3.generation.batch_records import Record
from jz3.generation.batch_results import Batch
from jz3.generation.bodies import batch_endpoint, batch_line
from jz3.generation.chat import ChatRequest
from jz3.generation.client import Client
from jz3.generation.outcomes import Setback, Stop


class FileBatches:
    """What `BatchRun` needs of a provider whose batches are files."""

    endpoints = "the endpoints /v1/files and /v1/batches"

    def __init__(self, client: Client) -> None:
        self._client = client
        self.mask = client.mask

    def line(self, key: str, request: ChatRequest) -> bytes:
        """A request as a line of the file."""
        return batch_line(key, request.protocol, request.body())

    async def submit(self, requests: Mapping[str, ChatRequest], nonce: str) -> Batch | Setback | Stop:
        """Begin a batch of requests by key, all of one API. If a setback is `paid`, the batch may have
        begun.
        """
        lines = b"".join(self.line(key, request) for key, request in requests.items())
        (endpoint,) = {batch_endpoint(request.protocol) for request in requests.values()}
        return await self._client.submit(lines, nonce, endpoint)

    async def find(self, record: Record, others: Set[str]) -> Batch | Setback | Stop | None:  # noqa: ARG002 (a nonce needs none)
        """The batch of a record whose id is not known, found by its metadata; None if there is none."""
        return await self._client.find_batch(record.nonce)

    async def batch(self, batch_id: str) -> Batch | Setback | Stop:
        """The state of a batch."""
        return await self._client.batch(batch_id)

    async def lines(self, name: str) -> list[bytes] | Setback | Stop:
        """The lines of a result file."""
        return await self._client.file_lines(name)
