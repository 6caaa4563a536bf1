"""Why a stage would run, in words, and which libraries differ from those that its artifacts were made with.

A new version of a library reruns nothing (DVC does not see it), although it may change a stage's result. So
the versions in the manifests are compared with the installed ones. The cost is that of `stale_stages`.
"""

import importlib.metadata
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jz3.core.artifacts import MANIFEST
from jz3.graph.code import is_code
from jz3.graph.repository import base_name, locked, named, opened
from jz3.graph.stale import IN_CACHE, NOT_IN_CACHE, Reason, Stale, stale_stages


@dataclass(frozen=True)
class Drift:
    """A library whose version differs from the one in a manifest."""

    manifest: str
    library: str
    made_with: str
    installed: str | None


@dataclass(frozen=True)
class Why:
    """The findings on one stage."""

    stage: str
    reasons: list[Reason]
    drift: list[Drift]


def why(root: Path, stage: str) -> list[Why]:
    """The findings on a stage, or on each of a group (`mix` means `mix@jiuzhang` and `mix@instruct_only`),
    upstream first.
    """
    with opened(root) as repo:
        names = [str(found.name) for found in named(repo, stage)]
    reasons = {stale.stage: stale.reasons for stale in stale_stages(root)}
    return [Why(name, reasons.get(name, []), list(drifted(root, name))) for name in names]


def drifted(root: Path, stage: str) -> Iterator[Drift]:
    """Libraries that have changed since a stage's artifacts were made, for artifacts that are here."""
    for out in locked(root).get(stage, {}).get("outs", []):
        for manifest in sorted((root / out["path"]).rglob(MANIFEST)):
            libraries: dict[str, str] = json.loads(manifest.read_text()).get("libraries", {})
            for library, made_with in sorted(libraries.items()):
                installed = _installed(library)
                if installed != made_with:
                    yield Drift(manifest.relative_to(root).as_posix(), library, made_with, installed)


def as_text(found: Sequence[Why]) -> str:
    """Text for people: a block for each stage."""
    return "\n".join(line for one in found for line in _lines(one))


def as_json(found: Sequence[Why]) -> str:
    """JSON for scripts: an object for each stage."""
    document: list[dict[str, Any]] = [asdict(one) for one in found]
    return json.dumps(document, indent=2)


def _lines(one: Why) -> Iterator[str]:
    stale = Stale(one.stage, one.reasons)
    if not one.reasons:
        yield f"{one.stage}: up to date"
    elif stale.only_missing:
        yield f"{one.stage}: nothing has changed, but outputs are not here"
    else:
        yield f"{one.stage}: would run"
    for reason in one.reasons:
        yield f"  {described(reason)}"
    for drift in one.drift:
        made = f"{drift.manifest} was made with {drift.library} {drift.made_with}"
        yield f"  {made}; {drift.installed or 'no version'} is installed"
    if one.drift:
        yield f"  (a library runs nothing again by itself; `dvc repro -f -s {one.stage}` does)"


def described(reason: Reason) -> str:
    """A reason as one line."""
    match reason.kind:
        case "new":
            return "it never ran: dvc.lock has no entry"
        case "command":
            return f"command: {reason.before}\n        -> {reason.after}"
        case "param":
            return f"parameter {reason.what}: {_value(reason.before)} -> {_value(reason.after)}"
        case "upstream":
            return (
                f"above it {reason.what} would run ({base_name(reason.what)} may give the same bytes again)"
            )
        case "dep":
            what = "code" if is_code(reason.what) else "input"
            return f"{what} {reason.what}: {_short(reason.before)} -> {_short(reason.after)}"
        case "out":
            return f"output {reason.what}: {_state(reason)}"


def _state(reason: Reason) -> str:
    if reason.after == IN_CACHE:
        return "not in the workspace; `dvc checkout` brings it from the cache"
    if reason.after == NOT_IN_CACHE:
        return "here, but lost from the cache; `dvc fetch` brings it, or else `dvc commit` puts it back"
    if reason.after is None:
        return "not here; `dvc pull` brings it if somebody pushed it"
    return f"edited since the stage ran: {_short(reason.before)} -> {_short(reason.after)}"


def _value(value: str | None) -> str:
    return "not set" if value is None else value


def _short(md5: str | None) -> str:
    return "not there" if md5 is None else md5[:8]


def _installed(library: str) -> str | None:
    try:
        return importlib.metadata.version(library)
    except importlib.metadata.PackageNotFoundError:
        return None
