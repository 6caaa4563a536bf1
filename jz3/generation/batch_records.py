"""What the store keeps of batches that were sent, so that a later process can find them.

Each batch has two files under `batches/` in the store, from before it is sent until its answers are stored:
`NONCE.json`, its state, and `NONCE.requests`, with a line of key, tab, request for each of its requests.
"""

import fcntl
import json
import logging
import os
from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel

from jz3.generation.chat import ChatRequest
from jz3.store.row_store import RowStore
from jz3.store.segment import sync_directory

log = logging.getLogger(__name__)

FOLDER, STATE, REQUESTS, LOCK = "batches", ".json", ".requests", "lock"
KEY_LENGTH = 32


class Record(BaseModel):
    """A batch that was sent, or is about to be."""

    nonce: str
    requests: int
    tokens: int
    """Approximate tokens of the prompts: they count against the limit on waiting tokens."""
    usd: float
    """The most that it may cost: reserved under the cap until the batch has ended."""
    batch_id: str | None
    """None until the provider has returned it."""
    sent_on: str


def enqueued(store: RowStore) -> set[str]:
    """Keys of all requests that wait in batches."""
    sent = SentBatches(store)
    return {key for record in sent.records() for key in sent.keys(record)}


class SentBatches:
    """The records of a store and the requests of each, as files that outlive a process."""

    def __init__(self, store: RowStore) -> None:
        self.folder = store.root / FOLDER

    def records(self) -> Iterator[Record]:
        """All records, in the order of their files' names."""
        for file in sorted(self.folder.glob(f"*{STATE}")):
            yield Record.model_validate_json(file.read_text())

    def path(self, record: Record) -> Path:
        """The path of the record itself."""
        return self.folder / f"{record.nonce}{STATE}"

    def begin(self, record: Record, requests: Mapping[str, ChatRequest]) -> None:
        """Save requests by key, then their record, so that a record never exists without its requests."""
        lines = (f"{key}\t{json.dumps(request.row())}\n".encode() for key, request in requests.items())
        _write_whole(self._requests(record), lines)
        self.save(record)

    def save(self, record: Record) -> None:
        """Save the current state of a record."""
        _write_whole(self.path(record), [record.model_dump_json(indent=2).encode() + b"\n"])

    def forget(self, record: Record) -> None:
        """Remove a record and its requests."""
        self.path(record).unlink()
        self._requests(record).unlink()

    def keys(self, record: Record) -> list[str]:
        """The keys of its requests, in the order in which they were sent."""
        with self._requests(record).open() as lines:
            return [line[:KEY_LENGTH] for line in lines]

    def requests(self, record: Record) -> Iterator[tuple[str, ChatRequest]]:
        """Its requests with their keys, in the order in which they were sent."""
        with self._requests(record).open() as lines:
            for line in lines:
                key, _, request = line.partition("\t")
                yield key, ChatRequest(**json.loads(request))

    def _requests(self, record: Record) -> Path:
        return self.folder / f"{record.nonce}{REQUESTS}"


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """Let one process in at a time: two that send the same requests would pay twice."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another process sends batches from %s; this one waits for it", folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _write_whole(path: Path, lines: Iterable[bytes]) -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_directory(path.parent)
