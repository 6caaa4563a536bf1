"""What helps where a file is missing, damaged or of another kind: it depends on whose file it is.

`dvc repro` makes anew what a stage leaves, and nothing else: of a user's own file it can say nothing. Which
paths are outs is read from dvc.yaml and dvc.lock, when an error is worded and not before.
"""

import re
from pathlib import Path
from typing import Any

import yaml

MARKS = ("dvc.yaml", ".dvc", "profiles")
"""Any of these lies in the root of a repository, and in no folder under it."""


def repository_of(folder: Path) -> Path | None:
    """The nearest folder from there upward that holds a graph, or None."""
    for place in (folder.absolute(), *folder.absolute().parents):
        if any((place / mark).exists() for mark in MARKS):
            return place
    return None


def remedy(path: Path, own: str) -> str:
    """What to do about a path: `own` where no stage leaves it; else which command brings or makes it."""
    root = repository_of(Path.cwd())
    stage = _maker(root, path) if root else None
    if stage is None:
        return own
    return f"`dvc checkout` brings it back where it was made before; `dvc repro {stage}` makes it anew."


def _maker(root: Path, path: Path) -> str | None:
    """The stage among whose outs a path is, or lies in; None where there is none."""
    whole = path.absolute()
    if not whole.is_relative_to(root):
        return None
    name = whole.relative_to(root).as_posix()
    outs = {**_declared(root), **_locked(root)}
    holding = [out for out in outs if re.fullmatch(f"{_pattern(out)}(/.*)?", name)]
    return outs[max(holding, key=len)] if holding else None


def _pattern(out: str) -> str:
    """A regular expression for an out whose name has placeholders such as `${item}`, which match any name."""
    return re.sub(r"\\\$\\\{.*?\\\}", "[^/]+", re.escape(out))


def _locked(root: Path) -> dict[str, str]:
    entries: dict[str, Any] = _document(root / "dvc.lock").get("stages", {})
    return {str(out["path"]): stage for stage, entry in entries.items() for out in entry.get("outs", [])}


def _declared(root: Path) -> dict[str, str]:
    """Outs of dvc.yaml; of a matrix with the parts of their names that are still to be filled in."""
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
