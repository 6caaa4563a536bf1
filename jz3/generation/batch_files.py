"""Batches as files: OpenAI's protocol, which others speak too.

A file goes up, its batch is begun by the file's name, and answers and errors come as two files. A batch whose
id was lost is found by a word in its metadata.
"""

from collections.abc import Mapping, Set

from jz3.generation.batch_records import Record
from jz3.generation.batch_results import Batch
from jz3.generation.bodies import batch_endpoint, batch_line
from jz3.generation.chat import ChatRequest
from jz3.generation.client import Client
from jz3.generation.outcomes import Setback, Stop


class FileBatches:
    """What `BatchRun` asks of a provider whose batches are files."""

    endpoints = "the endpoints /v1/files and /v1/batches"

    def __init__(self, client: Client) -> None:
        self._client = client
        self.mask = client.mask

    def line(self, key: str, request: ChatRequest) -> bytes:
        """A request as the provider reads it."""
        return batch_line(key, request.protocol, request.body())

    async def submit(self, requests: Mapping[str, ChatRequest], nonce: str) -> Batch | Setback | Stop:
        """Begin a batch of requests by key, all of one API. A setback that is `paid` may have begun it."""
        lines = b"".join(self.line(key, request) for key, request in requests.items())
        (endpoint,) = {batch_endpoint(request.protocol) for request in requests.values()}
        return await self._client.submit(lines, nonce, endpoint)

    async def find(self, record: Record, others: Set[str]) -> Batch | Setback | Stop | None:  # noqa: ARG002 (a nonce needs none)
        """The batch of a record whose id is not known, or None; its metadata name it."""
        return await self._client.find_batch(record.nonce)

    async def batch(self, batch_id: str) -> Batch | Setback | Stop:
        """How a batch stands."""
        return await self._client.batch(batch_id)

    async def lines(self, name: str) -> list[bytes] | Setback | Stop:
        """The lines of a result file."""
        return await self._client.file_lines(name)
