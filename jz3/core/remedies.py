"""What to do about a missing, damaged or unexpected file: it depends on whose file it is.

`dvc repro` makes a stage's outputs again, but not a user's own file. Which paths are outputs is read from
dvc.yaml and dvc.lock only when an error is worded.
"""

import re
from pathlib import Path
from typing import Any

import yaml

MARKS = ("dvc.yaml", ".dvc", "profiles")
"""The root of a repository holds at least one of these, and no folder under it does."""


def repository_of(folder: Path) -> Path | None:
    """The nearest folder that holds a graph: this one or one above it; None if there is none."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if any((place / mark).exists() for mark in MARKS):
            return place
    return None


def remedy(path: Path, own: str) -> str:
    """What to do about a path: the command that brings or makes it if a stage leaves it, otherwise `own`."""
    root = repository_of(Path.cwd())
    stage = _maker(root, path) if root else None
    if stage is None:
        return own
    return f"`dvc checkout` restores it if it was made before; `dvc repro {stage}` makes it again."


def _maker(root: Path, path: Path) -> str | None:
    """The stage that has a path among its outs or inside one; None if there is none."""
    whole = path.absolute()
    if not whole.is_relative_to(root):
        return None
    name = whole.relative_to(root).as_posix()
    outs = {**_declared(root), **_locked(root)}
    holding = [out for out in outs if re.fullmatch(f"{_pattern(out)}(/.*)?", name)]
    return outs[max(holding, key=len)] if holding else None


def _pattern(out: str) -> str:
    """A regular expression for an out; placeholders in its name, such as `${item}`, match any name."""
    return re.sub(r"\\\$\\\{.*?\\\}", "[^/]+", re.escape(out))


def _locked(root: Path) -> dict[str, str]:
    entries: dict[str, Any] = _document(root / "dvc.lock").get("stages", {})
    return {str(out["path"]): stage for stage, entry in entries.items() for out in entry.get("outs", [])}


def _declared(root: Path) -> dict[str, str]:
    """The outs of dvc.yaml; those of a matrix still have placeholders in their names."""
    found: dict[str, str] = {}
    entries: dict[str, Any] = _document(root / "dvc.yaml").get("stages", {})
    for stage, entry in entries.items():
        body = entry.get("do", entry)
        for out in (*body.get("outs", []), *body.get("metrics", []), *body.get("plots", [])):
            found[str(next(iter(out)) if isinstance(out, dict) else out)] = stage
    return found


def _document(file: Path) -> dict[str, Any]:
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        found: Any = yaml.load(file.read_bytes(), Loader=loader)
    except (OSError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]
