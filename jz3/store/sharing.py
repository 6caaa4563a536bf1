"""The row store to and from a shared place (any fsspec file system: S3, a folder, SSH).

There each operation is a folder of packs, which never change: the rows, and beside them their keys, written
last. So a push sends the rows that nobody sent yet, whatever files they lie in here; one that is killed
leaves rows without keys, which nobody reads and the next push sends again. A pull takes the packs that hold
a row that is not here, checks every row, then puts the pack into its place in one step. Costs reading the
keys, 16 bytes a row.
"""

import hashlib
import logging
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.errors import UserError
from jz3.store.records import decode_row
from jz3.store.rows import RowStore
from jz3.store.segment import JOURNAL, RowFile
from jz3.store.writer import RowWriter

PACK_BYTES = 60_000_000
"""Of rows in one pack; under SEGMENT_BYTES, so that a pack is one journal (chosen)."""
KEYS = ".keys"
KEY_BYTES = 16

log = logging.getLogger(__name__)


class DamagedPack(UserError):  # noqa: N818 (a state of a shared place)
    """Rows of a shared place are not what was pushed."""


@dataclass(frozen=True)
class Moved:
    """What a push sent or a pull brought, beside what was there already."""

    rows: int
    size: int
    """Bytes."""
    there: int
    """Rows that needed no moving."""


@dataclass(frozen=True)
class SharedPlace:
    """A folder of a file system; `files` is an fsspec file system, opened with its credentials."""

    files: Any
    path: str

    def packs(self) -> dict[str, set[str]]:
        """Each pack (operation and name, without ending) and the keys of its rows."""
        listed = [path for path in sorted(self.files.find(self.path, refresh=True)) if path.endswith(KEYS)]
        found = self.files.cat(listed) if listed else {}
        return {
            "/".join(path.removesuffix(KEYS).split("/")[-2:]): _split(content)
            for path, content in found.items()
        }


def push(store: RowStore, place: SharedPlace) -> Moved:
    """Send the rows that the shared place has not."""
    there: dict[str, set[str]] = {}
    for pack, keys in place.packs().items():
        there.setdefault(pack.partition("/")[0], set()).update(keys)
    rows = size = known = 0
    for directory in sorted(store.root.glob("*@*")):
        present = there.get(directory.name, set())
        for pack, keys in _new_packs(store.files(directory), present):
            name = hashlib.sha256(b"".join(map(bytes.fromhex, keys))).hexdigest()[:32]
            target = f"{place.path}/{directory.name}/{name}"
            place.files.makedirs(f"{place.path}/{directory.name}", exist_ok=True)
            place.files.put_file(str(pack), target + JOURNAL)
            place.files.pipe_file(target + KEYS, b"".join(map(bytes.fromhex, keys)))
            rows += len(keys)
            size += pack.stat().st_size
        known += len(present)
    return Moved(rows, size, known)


def pull(store: RowStore, place: SharedPlace) -> Moved:
    """Bring the packs that hold rows that are not here; raises DamagedPack for one that is not whole."""
    rows = size = known = 0
    local: dict[str, set[str]] = {}
    for pack, keys in sorted(place.packs().items()):
        operation, _, name = pack.partition("/")
        directory = store.root / operation
        present = local.setdefault(operation, _local_keys(store.files(directory)))
        known += len(keys & present)
        if keys <= present:
            continue
        directory.mkdir(parents=True, exist_ok=True)
        part = directory / f"{uuid.uuid4().hex}.part"
        place.files.get_file(f"{place.path}/{pack}{JOURNAL}", str(part))
        _check(part, keys, f"{place.path}/{pack}{JOURNAL}")
        rows += len(keys - present)
        size += part.stat().st_size
        part.replace(directory / f"{name}{JOURNAL}")
        present |= keys
    return Moved(rows, size, known)


def damages(store: RowStore) -> list[str]:
    """Reads every row; a line for each damage, with file and byte. Such rows are computed again."""
    lines = _Lines()
    logger = logging.getLogger("jz3.store")
    logger.addHandler(lines)
    try:
        for directory in sorted(store.root.glob("*@*")):
            for file in store.files(directory):
                for _ in file.records(file.keys()):
                    pass
    finally:
        logger.removeHandler(lines)
    return lines.said


class _Lines(logging.Handler):
    """The store names what is damaged in its log, and goes on; here the lines are the result."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


def _local_keys(files: list[RowFile]) -> set[str]:
    return {key for file in files for key in file.keys()}  # noqa: SIM118 (no dict)


def _new_packs(files: list[RowFile], there: set[str]) -> Iterator[tuple[Path, list[str]]]:
    """Files of the rows of an operation that are not there, with their sorted keys; gone once used."""
    with tempfile.TemporaryDirectory(prefix="jz3-push-") as folder:
        seen = set(there)
        pack = _Pack(Path(folder, "0"))
        for file in files:
            for key, record in file.records([key for key in file.keys() if key not in seen]):  # noqa: SIM118
                seen.add(key)
                pack.add(key, record)
                if pack.size >= PACK_BYTES:
                    yield pack.closed()
                    shutil.rmtree(pack.folder)
                    pack = _Pack(Path(folder, key))
        if pack.keys:
            yield pack.closed()


class _Pack:
    """Rows on their way out, as a journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keys: list[str] = []
        self.size = 0
        self._writer = RowWriter(folder)

    def add(self, key: str, record: bytes) -> None:
        row = decode_row(record)
        self._writer.append(key, row.request, row.result)
        self.keys.append(key)
        self.size += len(record)

    def closed(self) -> tuple[Path, list[str]]:
        self._writer.flush()
        self._writer.close()
        [journal] = self.folder.glob(f"*{JOURNAL}")
        return journal, sorted(self.keys)


def _check(part: Path, keys: set[str], source: str) -> None:
    file = RowFile(part)
    whole = {key for key, _ in file.records(sorted(keys))}
    if whole != keys:
        part.unlink()
        raise DamagedPack(
            f"{source} holds {len(whole)} of its {len(keys)} rows undamaged; all were expected. "
            f"Delete it and its {KEYS} there, then run `jz3 store push` where the rows are."
        )


def _split(content: bytes) -> set[str]:
    return {content[at : at + KEY_BYTES].hex() for at in range(0, len(content), KEY_BYTES)}
