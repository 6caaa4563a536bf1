"""Profiles: `profiles/NAME.yaml` holds all parameters, `profiles/execution/NAME.yaml` says how stages run,
and `profiles/graphs/NAME.yaml` lists the parts of the graph.

`params.yaml`, `execution.yaml` and `graph.yaml` are copies of these three files of the profile in use, and
the lists in dvc.yaml follow from them. There is no composition and no override: `dvc repro`, `dvc status` and
`dvc exp run` see the same files. Files are compared by value, because DVC writes them in its own layout.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML, YAMLError

from jz3.core.errors import UserError
from jz3.core.graph_file import GRAPH_FILE, Graph, read_graph
from jz3.core.placing import must_be_free, placed_file
from jz3.graph.deps import fix_lists

IN_USE = {
    "params.yaml": "profiles/{}.yaml",
    "execution.yaml": "profiles/execution/{}.yaml",
    "graph.yaml": "profiles/graphs/{}.yaml",
}
"""Files of the profile in use, each with the file that it is a copy of."""

ABSENT: Any = object()
"""Stands for a value that only the other document has."""


class ProfileError(UserError):
    """A profile does not exist, or a file of the profile in use has edits that would be lost."""


def profile_names(root: Path) -> list[str]:
    """The names of all profiles."""
    return sorted(path.stem for path in (root / "profiles").glob("*.yaml"))


def source_of(file: str, name: str) -> Path:
    """The path under the root of a profile's version of one of the files in use."""
    return Path(IN_USE[file].format(name))


def profile_difference(root: Path, name: str) -> str:
    """The values that writing a profile would change, a line for each."""
    lines = [line for file in IN_USE for line in _difference(root, file, name)]
    return "".join(f"{line}\n" for line in lines)


def profiles_in_use(root: Path) -> dict[str, int]:
    """How many values in use differ from each profile; 0 for the one in use."""
    return {name: len(profile_difference(root, name).splitlines()) for name in profile_names(root)}


def listed(differing: Mapping[str, int]) -> str:
    """A list of profiles for people, from the numbers of values in use that differ from each."""
    lines = [f"{' ' if values else '*'} {name}" for name, values in differing.items()]
    if differing and all(differing.values()):
        nearest = min(differing, key=lambda name: (differing[name], name))
        lines.append(f"none is in use: {differing[nearest]} values differ from {nearest}")
    return "\n".join(lines)


def value_differences(one: Any, other: Any) -> dict[str, tuple[Any, Any]]:  # noqa: ANN401 (as YAML gives it)
    """The values that differ between two documents, by dotted name; ABSENT if one lacks a value."""
    before, after = _leaves(one), _leaves(other)
    return {
        name: (before.get(name, ABSENT), after.get(name, ABSENT))
        for name in dict.fromkeys([*before, *after])
        if before.get(name, ABSENT) != after.get(name, ABSENT)
    }


def check_no_edits(root: Path) -> None:
    """Raises ProfileError if a file in use differs from every profile: writing one would lose edits."""
    names = profile_names(root)
    for file in IN_USE:
        present = root / file
        if present.exists() and all(_difference(root, file, name) for name in names):
            raise ProfileError(
                f"{present} holds edits, or its profile has been edited since; one of the profiles "
                f"{', '.join(names)} was expected. "
                f"Copy what you want to keep, then add --force."
            )


def write_profile(root: Path, name: str) -> None:
    """Make a profile the one in use: its three files, and the lists in dvc.yaml that follow from them.

    A link or a folder in place of one of them is left as it is and raises UserError.
    """
    texts = {file: _text(root, file, name) for file in IN_USE}
    for file in texts:
        must_be_free(root / file, lambda _: None, folder=False)
    for file, text in texts.items():
        with placed_file(root / file, lambda _: None) as part:
            part.write_text(text)
    fix_lists(root)


def graph_under(root: Path, name: str) -> Graph:
    """The graph as it would be with a profile in use, without changing anything under `root`."""
    with TemporaryDirectory() as folder:
        shutil.copy(root / GRAPH_FILE, folder)
        shutil.copytree(root / "profiles", Path(folder) / "profiles")
        write_profile(Path(folder), name)
        return read_graph(Path(folder))


def _difference(root: Path, file: str, name: str) -> list[str]:
    present, text = root / file, _text(root, file, name)
    if not present.exists():
        return [f"{file} does not exist yet"]
    try:
        found = YAML(typ="safe").load(present.read_bytes())
    except (YAMLError, ValueError, RecursionError) as error:  # not a text, not a date, nested too deeply
        return [f"{file} is not YAML: {' '.join(str(error).split())}"]
    differing = value_differences(found, _values(root / source_of(file, name), text))
    return [f"{file}: {where}: {_shown(old)} -> {_shown(new)}" for where, (old, new) in differing.items()]


def _values(file: Path, text: str) -> Any:  # noqa: ANN401 (as YAML gives it)
    try:
        return YAML(typ="safe").load(text)
    except (YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise ProfileError(
            f"{file} is not YAML: {reason}; a profile was expected. Correct it there."
        ) from error


def _leaves(values: Any, place: str = "") -> dict[str, Any]:  # noqa: ANN401 (as YAML gives it)
    """Each value that is not a non-empty mapping, by its dotted name."""
    if not isinstance(values, dict) or not values:
        return {place: values}
    entries: dict[Any, Any] = values
    return {
        name: leaf
        for key, value in entries.items()
        for name, leaf in _leaves(value, f"{place}.{key}" if place else str(key)).items()
    }


def _shown(value: object) -> str:
    return "absent" if value is ABSENT else json.dumps(value, ensure_ascii=False, default=str)


def _text(root: Path, file: str, name: str) -> str:
    source = root / source_of(file, name)
    if not source.is_file():
        raise ProfileError(
            f"{source} does not exist, and the profile '{name}' needs it; "
            f"one of {', '.join(profile_names(root))} was expected."
        )
    try:
        return source.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ProfileError(
            f"{source} is not UTF-8: {error}; a profile was expected. Correct it there."
        ) from error
