"""What the store keeps of batches that were sent, so that a later process finds them again.

Each batch has two files under `batches/` in the store, from before it is sent until its answers are there:
`NONCE.json`, how it stands, and `NONCE.requests`, a line of key, tab, request for each of its requests.
"""

import fcntl
import json
import logging
import os
from collections.abc import Generator, Iterator
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
    """Of the prompts, about: what counts against the limit on waiting tokens."""
    usd: float
    """The most that it may cost: held under the cap until it has ended."""
    batch_id: str | None
    """None until the provider has said it."""
    sent_on: str


def enqueued(store: RowStore) -> set[str]:
    """Keys of all requests that wait in batches."""
    return {key for file in folder_of(store).glob(f"*{STATE}") for key in keys_of(file.with_suffix(REQUESTS))}


def folder_of(store: RowStore) -> Path:
    return store.root / FOLDER


@contextmanager
def alone(folder: Path) -> Generator[None]:
    """One process at a time: two that send the same requests would pay twice."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log.info("another process sends batches from %s; this one waits for it", folder)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def keys_of(requests: Path) -> list[str]:
    with requests.open() as lines:
        return [line[:KEY_LENGTH] for line in lines]


def requests_of(requests: Path) -> Iterator[tuple[str, ChatRequest]]:
    with requests.open() as lines:
        for line in lines:
            key, _, request = line.partition("\t")
            yield key, ChatRequest(**json.loads(request))


def write_whole(path: Path, lines: "Iterator[bytes] | list[bytes]") -> None:
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        file.writelines(lines)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_directory(path.parent)
