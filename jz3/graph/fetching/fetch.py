"""Downloads the files of sources, checks each, and then writes the manifest that stages depend on.

Promises:

- access to every gated source and room on the disk are checked before the first byte;
- a source gets its manifest only once all of its files are complete and as the table says;
- files that are here are checked and not fetched again, and a damaged one is removed.
"""

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from jz3.core.placing import placed_file
from jz3.graph.fetching.hosts import FetchError, Hub, bring, kind_of, must_be_open, place
from jz3.graph.fetching.table import HeldFile, SourceEntry
from jz3.raw.fetched import Fetched, FetchedFile, sha256_of

SPARE = 1.01
"""Room needed on the disk per byte to fetch (chosen: for links and the cache's own files)."""


def fetch(root: Path, entries: Mapping[str, SourceEntry], hub: Hub, say: Callable[[str], None]) -> None:
    """Fetch all entries; `say` receives a line for each one that is done. Raises FetchError."""
    if unresolved := [name for name, entry in entries.items() if not entry.resolved]:
        raise FetchError(
            f"{', '.join(unresolved)} have no commit or no list of files in data/sources.yaml yet; pinned "
            f"sources were expected. Run `jz3 fetch --resolve` on a machine that reaches the hub, and commit "
            f"it."
        )
    for name, entry in entries.items():
        if scripts := [path for path in entry.held or {} if path.endswith(".py")]:
            raise FetchError(
                f"{name}: {scripts[0]} of {entry.repo} is a loading script, which is never run; files with "
                f"rows were expected. Name those of its branch refs/convert/parquet in data/sources.yaml."
            )
    if not hub.offline:
        for name, entry in entries.items():
            if entry.gated and entry.host == "hub" and missing(entry):
                must_be_open(hub, name, entry)
    must_have_room(entries)
    for name, entry in entries.items():
        files = {path: _brought(hub, name, entry, path) for path in sorted(entry.held or {})}
        changed = _write(entry.manifest(root, name), _manifest(name, entry, files))
        size = sum(file.bytes for file in files.values())
        say(f"{name}: {len(files)} files, {size:,} bytes, {'checked' if changed else 'as they were'}")


def missing(entry: SourceEntry) -> list[str]:
    """The files of a resolved source that are not on this machine."""
    return [path for path in entry.held or {} if not place(entry, path).is_file()]


def must_have_room(entries: Mapping[str, SourceEntry]) -> None:
    """Raise FetchError if the disk of the cache has too little room for the files to fetch."""
    coming = sum((entry.held or {})[path].bytes or 0 for entry in entries.values() for path in missing(entry))
    some = next(iter(entries.values()), None)
    if some is None or not coming:
        return
    folder = place(some, "").parents[2]
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(there).free
    if free < coming * SPARE:
        raise FetchError(
            f"{folder} has {free:,} bytes free, and {coming:,} are still to be fetched; room for all of them "
            f"was expected. Set HF_HOME to a larger disk, or fetch some of it with --only."
        )


def _brought(hub: Hub, name: str, entry: SourceEntry, path: str) -> FetchedFile:
    file, held = bring(hub, name, entry, path), (entry.held or {})[path]
    size, sha256 = file.stat().st_size, sha256_of(file)
    found = f"sha256:{sha256}" if held.digest.startswith("sha256:") else f"git:{git_id(file)}"
    if found != held.digest or size != (held.bytes if held.bytes is not None else size):
        _take_out(file)
        raise FetchError(
            f"{name}: {path} of {entry.repo}@{entry.revision} came as {found} with {size:,} bytes; "
            f"{_said(held)} was expected, as data/sources.yaml says. It was removed: run this again; if the "
            f"same file comes again, its host has changed it."
        )
    return FetchedFile(bytes=size, sha256=sha256)


def git_id(file: Path) -> str:
    """Git's id for the content of a file."""
    digest = hashlib.sha1(f"blob {file.stat().st_size}\0".encode(), usedforsecurity=False)
    with file.open("rb") as stream:
        while data := stream.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def _said(held: HeldFile) -> str:
    return held.digest + ("" if held.bytes is None else f" with {held.bytes:,} bytes")


def _take_out(file: Path) -> None:
    """Remove the file and the blob behind it in the cache; otherwise the same bytes would be used again."""
    target = file.resolve()
    file.unlink()
    if target != file.absolute() and target.parent.name == "blobs":
        target.unlink(missing_ok=True)


def _manifest(name: str, entry: SourceEntry, files: Mapping[str, FetchedFile]) -> Fetched:
    return Fetched(
        source=name,
        host=entry.host,
        kind=kind_of(entry),
        repo=entry.repo,
        revision=str(entry.revision),
        licence=entry.licence,
        files=dict(files),
    )


def _write(path: Path, manifest: Fetched) -> bool:
    """Write the manifest; return whether it differs from the one before."""
    text = manifest.model_dump_json(indent=2) + "\n"
    if path.is_file() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    with placed_file(path, lambda _: None) as part:
        part.write_text(text, encoding="utf-8")
    return True
