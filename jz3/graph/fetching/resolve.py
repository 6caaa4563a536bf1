"""Looks up null fields of the table: the commit, the files with their digests, gate and licence."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from jz3.core.placing import placed_file
from jz3.graph.fetching.hosts import FetchError, Hub, kind_of, named_errors
from jz3.graph.fetching.table import TABLE, HeldFile, SourceEntry, read_document, read_table
from jz3.raw.fetched import fitting_names


def resolve(root: Path, entries: Mapping[str, SourceEntry], hub: Hub, say: Callable[[str], None]) -> None:
    """Write what is found into the table, entry by entry as it becomes known; comments stay.

    A pinned commit stays. Raises FetchError.
    """
    for name, entry in entries.items():
        if entry.resolved and entry.gated is not None:
            continue
        if entry.host == "github":
            raise FetchError(
                f"{name}: commit and files of a GitHub repository are not looked up; a commit, and for each "
                f"file `git ls-tree`'s id, were expected in {TABLE}. Write them there."
            )
        found = looked_up(hub, name, entry)
        _write(root, name, found)
        say(f"{name}: {entry.repo}@{found['revision']}, {len(found['held'])} files, {found['bytes']:,} bytes")


def looked_up(hub: Hub, name: str, entry: SourceEntry) -> dict[str, Any]:
    """The present fields of an entry according to the hub."""
    with named_errors(hub, name, entry):
        info: Any = hub.api().repo_info(
            entry.repo, repo_type=kind_of(entry), revision=entry.revision, files_metadata=True
        )
    there = {file.rfilename: file for file in info.siblings or []}
    wanted = fitting_names(there, entry.files)
    if not wanted:
        scripts = [path for path in there if path.endswith(".py")]
        why = f"; it has a loading script ({scripts[0]}), which is never run" if scripts else ""
        raise FetchError(
            f"{name}: none of the {len(there)} files of {entry.repo} fits {', '.join(entry.files)}{why}; "
            f"files with rows were expected. Correct `files` of '{name}' in {TABLE}."
        )
    held = {path: _held(name, there[path]) for path in wanted}
    card: Any = info.card_data
    return {
        "revision": info.sha,
        "held": {path: file.model_dump() for path, file in held.items()},
        "bytes": sum(file.bytes or 0 for file in held.values()),
        "gated": bool(info.gated),
        "licence": entry.licence or (card.get("license") if card else None),
    }


def _held(name: str, file: Any) -> HeldFile:  # noqa: ANN401 (`RepoSibling`, whose fields may be None)
    digest = f"sha256:{file.lfs.sha256}" if file.lfs else f"git:{file.blob_id}"
    if file.size is None:
        raise FetchError(f"{name}: the hub gives no size of {file.rfilename}. Run it again.")
    return HeldFile(bytes=file.size, digest=digest)


def _write(root: Path, name: str, found: Mapping[str, Any]) -> None:
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 118
    document: Any = read_document(root / TABLE, yaml)
    entry = document[name]
    entry.update(found)
    if all(value is not None for value in found.values()):
        entry.pop("reason", None)
    with placed_file(root / TABLE, lambda _: None) as part, part.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)
    read_table(root)
