"""What batch mode needs of a provider: by files (`batch_files.py`), or by messages (`message_batches.py`)."""

from collections.abc import Mapping, Set
from typing import Protocol

from jz3.generation.batch_records import Record
from jz3.generation.batch_results import Batch
from jz3.generation.chat import ChatRequest
from jz3.generation.outcomes import Setback, Stop
from jz3.generation.secrets import Mask


class Batches(Protocol):
    """A provider's batches."""

    endpoints: str
    """The APIs that the server must offer, for a message."""
    mask: Mask

    def line(self, key: str, request: ChatRequest) -> bytes:
        """A request as it is uploaded: its length counts."""
        ...

    async def submit(self, requests: Mapping[str, ChatRequest], nonce: str) -> Batch | Setback | Stop:
        """Begin a batch of requests by key, all of one API. If a setback is `paid`, the batch may have
        begun.
        """
        ...

    async def find(self, record: Record, others: Set[str]) -> Batch | Setback | Stop | None:
        """The batch of a record whose id is not known, or None; it has none of the ids in `others`."""
        ...

    async def batch(self, batch_id: str) -> Batch | Setback | Stop:
        """The state of a batch."""
        ...

    async def lines(self, name: str) -> list[bytes] | Setback | Stop:
        """Results, as lines of a result file."""
        ...
