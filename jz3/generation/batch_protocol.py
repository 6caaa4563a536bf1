"""What batch mode asks of a provider: by files (`batch_files.py`), or by messages (`message_batches.py`)."""

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
    """What the server must have, for a message."""
    mask: Mask

    def line(self, key: str, request: ChatRequest) -> bytes:
        """A request as it goes up: its length counts."""
        ...

    async def submit(self, requests: Mapping[str, ChatRequest], nonce: str) -> Batch | Setback | Stop:
        """Begin a batch of requests by key, all of one API. A setback that is `paid` may have begun it."""
        ...

    async def find(self, record: Record, others: Set[str]) -> Batch | Setback | Stop | None:
        """The batch of a record whose id is not known, or None; `others` are ids that it cannot have."""
        ...

    async def batch(self, batch_id: str) -> Batch | Setback | Stop:
        """How a batch stands."""
        ...

    async def lines(self, name: str) -> list[bytes] | Setback | Stop:
        """Results, in the form of a result file."""
        ...
