"""Re-hashes what DVC keeps: an object whose bytes do not match its name is damaged, which DVC does not
report.

Measured (DVC 3.67): a damaged object of the cache is checked out, shown as up to date, and pushed; a missing
file of a tracked folder is not pushed again, because the folder's list is already there. So this runs before
a push. The cost is reading everything: 10 GB in 14 s from a warm disk, or for a remote a download of
everything.
"""

import hashlib
import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jz3.graph.repository import default_remote, locked, opened, outputs
from jz3.store.remote_errors import reaching

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.db import HashFileDB

CHUNK = 1 << 22
FOLDER = ".dir"

Place = Literal["cache", "remote"]

Owner = tuple[str, str]
"""A path in the workspace, and the stage that makes it."""


@dataclass(frozen=True)
class Damage:
    """An object whose bytes do not match its name, or that a folder lists but that is missing."""

    what: Literal["damaged", "missing"]
    md5: str
    path: str
    """The path of the object."""
    file: str | None
    """The path in the workspace, such as `data/mix/jiuzhang/part-00000.parquet`; None if dvc.lock has none.
    """
    stage: str | None
    """The stage that makes it."""


@dataclass(frozen=True)
class Verified:
    """What was checked, and what is wrong with it."""

    place: Place
    objects: int
    size: int
    """Total size in bytes."""
    damages: list[Damage]


def verify(root: Path, place: Place) -> Verified:
    """Verify every object of the local cache or of the default remote.

    In the remote the files of each folder must also be complete; files missing from the cache were just not
    pulled. Raises RemoteError if the remote cannot be read.
    """
    with opened(root) as repo, _store(repo, place) as store:
        present = sorted(store.all())
        owners = _owners(root, store, set(present))
        size, damages = 0, list[Damage]()
        for md5 in present:
            digest, length = _digest(store, md5)
            size += length
            if digest != md5.removesuffix(FOLDER):
                damages.append(_damage("damaged", md5, store, owners))
        if place == "remote":
            damages += [_damage("missing", md5, store, owners) for md5 in _lacking(store, present)]
    return Verified(place, len(present), size, damages)


def remove(root: Path, found: Verified) -> list[str]:
    """Delete damaged objects, and the lists of folders with damaged or missing files; return the deleted
    paths.

    Only then does DVC notice what is missing, and fetch, push or make it again.
    """
    wrong = {damage.md5 for damage in found.damages}
    with opened(root) as repo, _store(repo, found.place) as store:
        present = set(store.all())
        lists = {md5 for md5 in present if md5.endswith(FOLDER) and wrong & {*_listed(store, md5).values()}}
        paths = sorted(store.oid_to_path(md5) for md5 in (wrong | lists) & present)
        for path in paths:
            store.fs.remove(path)
    return paths


def as_text(found: Sequence[Verified], rows: Sequence[str]) -> str:
    """Text for people: a line for each place, then one for each damage; `rows` are lines on the row store."""
    lines = [
        f"{one.place}: {one.objects} objects, {one.size / 1e6:.1f} MB, {len(one.damages)} damaged or missing"
        for one in found
    ]
    lines.append(f"row store: {len(rows)} damages")
    lines += [_line(one.place, damage) for one in found for damage in one.damages]
    return "\n".join([*lines, *rows])


def as_json(found: Sequence[Verified], rows: Sequence[str]) -> str:
    """JSON for scripts."""
    return json.dumps({"objects": [asdict(one) for one in found], "rows": list(rows)}, indent=2)


def _line(place: Place, damage: Damage) -> str:
    said = f"{place}: {damage.path} is {damage.what}"
    if damage.stage is None:
        return f"{said}; nothing in dvc.lock names it"
    mends = {
        "cache": f"`dvc fetch {damage.stage}` brings it, or else `dvc repro {damage.stage}` makes it again",
        "remote": f"`dvc push {damage.stage}` sends it again from a clone that has it",
    }
    return f"{said}; it is {damage.file} of {damage.stage}. Once removed, {mends[place]}"


@contextmanager
def _store(repo: "Repo", place: Place) -> Generator["HashFileDB"]:
    if place == "cache":
        yield repo.cache.local
        return
    default_remote(repo)
    store: HashFileDB = repo.cloud.get_remote_odb(None)
    with reaching(store.fs.unstrip_protocol(store.path)):
        yield store


def _digest(store: "HashFileDB", md5: str) -> tuple[str, int]:
    digest, length = hashlib.md5(usedforsecurity=False), 0
    with store.fs.open(store.oid_to_path(md5), "rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            length += len(chunk)
    return digest.hexdigest(), length


def _listed(store: "HashFileDB", md5: str) -> dict[str, str]:
    """The md5 of a folder's files by relative path; empty if the list itself is damaged."""
    with store.fs.open(store.oid_to_path(md5), "rb") as file:
        content = file.read()
    if hashlib.md5(content, usedforsecurity=False).hexdigest() != md5.removesuffix(FOLDER):
        return {}
    listed: list[dict[str, Any]] = json.loads(content)
    return {file["relpath"]: file["md5"] for file in listed}


def _lacking(store: "HashFileDB", present: Sequence[str]) -> list[str]:
    listed = {file for md5 in present if md5.endswith(FOLDER) for file in _listed(store, md5).values()}
    return sorted(listed.difference(present))


def _owners(root: Path, store: "HashFileDB", present: set[str]) -> dict[str, Owner]:
    """The owner of each object: the files and folders of dvc.lock, and the files in its folders."""
    owners: dict[str, Owner] = {}
    for stage, path, md5 in outputs(locked(root)):
        owners.setdefault(md5, (path, stage))
        if md5.endswith(FOLDER) and md5 in present:
            for file, inner in _listed(store, md5).items():
                owners.setdefault(inner, (f"{path}/{file}", stage))
    return owners


def _damage(
    what: Literal["damaged", "missing"], md5: str, store: "HashFileDB", owners: dict[str, Owner]
) -> Damage:
    file, stage = owners.get(md5, (None, None))
    return Damage(what, md5, store.oid_to_path(md5), file, stage)
