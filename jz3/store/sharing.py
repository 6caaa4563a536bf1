"""The row store to and from a shared place (any fsspec file system: S3, a folder, SSH).

There each operation is a folder of packs, which never change: files with rows, each with a file of their keys
that is written last. A push sends the rows that nobody has sent yet, whatever local files they are in; a push
that is killed leaves rows without keys, which nobody reads and the next push sends again. A pull takes the
packs that have a row which is missing here, and writes their rows that are whole and stored under the key of
their request into a segment of this store under a new name. Costs reading the keys, 16 bytes per row.

Names in a shared place are not trusted: only `OPERATION@VERSION/PACK.keys` is looked at, and no name from
there is used here.
"""

import hashlib
import re
import tempfile
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jz3.core.errors import UserError
from jz3.store.examining import JOURNAL, SEGMENT, Bytes
from jz3.store.ownership import is_of, is_readable
from jz3.store.records import marked
from jz3.store.row_store import OPERATION, RowStore
from jz3.store.sealing import Sealing
from jz3.store.segment import RowFile
from jz3.store.trouble import store_error

PACK_BYTES = 60_000_000
"""Bytes of rows in one pack; less than SEGMENT_BYTES, so that a pack is one journal (chosen)."""
KEYS = ".keys"
KEY_BYTES = 16
PACK_NAME = re.compile(r"[0-9a-f]{32}")
NAMED = 3
"""How many troubles of a shared place a message names; it counts the others."""


class DamagedPack(UserError):  # noqa: N818 (a state of a shared place)
    """Rows of a shared place are not what was pushed."""


@dataclass(frozen=True)
class Moved:
    """What a push sent or a pull brought, and what was there already."""

    rows: int
    size: int
    """Bytes that were moved."""
    there: int
    """Rows that did not need to be moved."""


@dataclass(frozen=True)
class Taken:
    """What the store took from one pack."""

    rows: int
    size: int
    """Bytes that were taken."""
    refused: list[str]
    """Why other rows were refused."""


@dataclass(frozen=True)
class Pack:
    """A pack of rows in a shared place."""

    operation: str
    name: str
    keys: set[str]


@dataclass(frozen=True)
class SharedPlace:
    """A folder of a file system; `files` is an fsspec file system, opened with its credentials."""

    files: Any
    path: str

    def packs(self) -> tuple[list[Pack], list[str]]:
        """Each pack with the keys of its rows; and a message for each invalid name or list of keys."""
        listed = [path for path in sorted(self.files.find(self.path, refresh=True)) if path.endswith(KEYS)]
        root = self.files._strip_protocol(self.path).rstrip("/") + "/"
        names = {path: path.removeprefix(root).removesuffix(KEYS) for path in listed}
        sound = [path for path, name in names.items() if _is_pack_name(name)]
        strange = sorted(name for name in names.values() if not _is_pack_name(name))
        refused = [f"{name + KEYS!r} is not the name of a pack" for name in strange]
        found: dict[str, bytes] = self.files.cat(sound) if sound else {}
        packs: list[Pack] = []
        for path, content in sorted(found.items()):
            operation, _, name = names[path].partition("/")
            if not content or len(content) % KEY_BYTES:
                refused.append(f"{names[path] + KEYS!r} has {len(content)} bytes, which is no list of keys")
            packs.append(Pack(operation, name, _split(content)))
        return packs, refused


def push(store: RowStore, place: SharedPlace) -> Moved:
    """Send the rows that the shared place does not have."""
    there: dict[str, set[str]] = {}
    for pack in place.packs()[0]:
        there.setdefault(pack.operation, set()).update(pack.keys)
    rows = size = known = 0
    for directory in store.directories():
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
    """Bring the rows that are missing here.

    Raises DamagedPack, after taking all others, if a pack is not whole, has rows under keys that are not
    their requests', or has a name or a list of keys that no push wrote.
    """
    rows = size = known = 0
    local: dict[str, set[str]] = {}
    packs, refused = place.packs()
    for pack in packs:
        present = local.setdefault(pack.operation, _local_keys(store.files(store.root / pack.operation)))
        known += len(pack.keys & present)
        if pack.keys <= present:
            continue
        with tempfile.TemporaryDirectory(prefix="jz3-pull-") as folder:
            brought = Path(folder, f"pack{JOURNAL}")
            source = f"{place.path}/{pack.operation}/{pack.name}{JOURNAL}"
            try:
                place.files.get_file(source, str(brought))
            except FileNotFoundError:
                refused.append(f"{source} is missing, but its {KEYS} is there")
                continue
            taken = _take(store, pack, brought, present)
        refused += [f"{source} {said}" for said in taken.refused]
        rows += taken.rows
        size += taken.size
    if refused:
        raise DamagedPack(_refusal(rows, place, refused))
    return Moved(rows, size, known)


def damages(store: RowStore) -> list[str]:
    """A line for each damage, with file and byte. Reads every row. Damaged rows are computed again."""
    return [str(damage) for damage in store.damages()]


def _is_pack_name(name: str) -> bool:
    operation, _, pack = name.partition("/")
    return bool(OPERATION.fullmatch(operation) and PACK_NAME.fullmatch(pack))


def _take(store: RowStore, pack: Pack, brought: Path, present: set[str]) -> Taken:
    """Write a pack's rows into a segment of the store if they are whole, of their request, and new here."""
    file = Bytes(brought)
    file.read()
    found, _ = file.examined(is_final=True)
    whole = {key.hex(): at for key, at in found.offsets.items() if key.hex() in pack.keys}
    refused: list[str] = []
    if len(whole) < len(pack.keys):
        refused.append(f"holds {len(whole)} of its {len(pack.keys)} rows undamaged")
    strange, taken = list[str](), list[str]()
    directory = store.root / pack.operation
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with Sealing(directory / f"{uuid.uuid4().hex}{SEGMENT}") as segment:
            for key, at in sorted(whole.items(), key=lambda row: row[1]):
                record = file.record(bytes.fromhex(key), at)
                if record is None or not (is_of(pack.operation, record) and is_readable(record)):
                    strange.append(key)
                elif key not in present:
                    segment.add(key, record)
                    taken.append(key)
            size = segment.size
            if taken:
                segment.end()
    except OSError as error:
        raise store_error(store.root, error) from error
    present.update(taken)
    if strange:
        refused.append(
            f"holds {len(strange)} rows under keys that are not their requests', such as {strange[0]}"
        )
    return Taken(len(taken), size, refused)


def _refusal(rows: int, place: SharedPlace, refused: list[str]) -> str:
    more = f"; and {len(refused) - NAMED} more" if len(refused) > NAMED else ""
    return (
        f"{'; '.join(refused[:NAMED])}{more}; what `jz3 store push` wrote was expected at {place.path}. The "
        f"{rows} other rows that were not here yet were fetched. Delete what is named and its {KEYS} there, "
        f"then run `jz3 store push` where the rows are."
    )


def _local_keys(files: list[RowFile]) -> set[str]:
    return {key for file in files for key in file.keys()}  # noqa: SIM118 (no dict)


def _new_packs(files: list[RowFile], there: set[str]) -> Iterator[tuple[Path, list[str]]]:
    """Files with the rows of an operation that are not in `there`, and their sorted keys; deleted after
    use.
    """
    with tempfile.TemporaryDirectory(prefix="jz3-push-") as folder:
        seen, waiting, size = set(there), dict[str, bytes](), 0
        for file in files:
            for key, record in file.records([key for key in file.keys() if key not in seen]):  # noqa: SIM118
                if not is_of(file.path.parent.name, record):
                    continue  # nobody would accept it; `jz3 store check` names it
                seen.add(key)
                waiting[key] = record
                size += len(record)
                if size >= PACK_BYTES:
                    yield _pack(Path(folder, "pack"), waiting)
                    waiting, size = {}, 0
        if waiting:
            yield _pack(Path(folder, "pack"), waiting)


def _pack(path: Path, rows: dict[str, bytes]) -> tuple[Path, list[str]]:
    """Rows as one flush of a journal, and their sorted keys."""
    *others, last = rows.values()
    path.write_bytes(b"".join((*others, marked(last))))
    return path, sorted(rows)


def _split(content: bytes) -> set[str]:
    whole = len(content) - len(content) % KEY_BYTES
    return {content[at : at + KEY_BYTES].hex() for at in range(0, whole, KEY_BYTES)}
