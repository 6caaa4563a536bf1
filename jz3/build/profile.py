"""Profiles: `profiles/NAME.yaml` holds all parameters, `profiles/graphs/NAME.yaml` what the graph is made of.

`params.yaml` and `graph.yaml` are copies of the two of the profile in use, and the lists in dvc.yaml follow
from them. There is no composition and no override: `dvc repro`, `dvc status` and `dvc exp run` see the same
files.
"""

import difflib
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from jz3.build.deps import fix_lists
from jz3.core.errors import UserError
from jz3.core.graph import GRAPH_FILE, Graph, read_graph
from jz3.core.placing import must_be_free, placed_file

IN_USE = {"params.yaml": "profiles/{}.yaml", "graph.yaml": "profiles/graphs/{}.yaml"}
"""Files of the profile in use, each with the file that it is a copy of."""


class ProfileError(UserError):
    """A profile does not exist, or a file of the profile in use holds edits that would be lost."""


def profile_names(root: Path) -> list[str]:
    """The profiles there are."""
    return sorted(path.stem for path in (root / "profiles").glob("*.yaml"))


def profile_difference(root: Path, name: str) -> str:
    """What writing a profile would change, as a unified diff; empty for nothing."""
    return "".join(_difference(root, file, name) for file in IN_USE)


def check_no_edits(root: Path) -> None:
    """Raises ProfileError where a file in use is that of none of the profiles, as writing one would lose
    edits.
    """
    names = profile_names(root)
    for file in IN_USE:
        present = root / file
        if present.exists() and present.read_text() not in {_text(root, file, name) for name in names}:
            raise ProfileError(
                f"{present} holds edits; one of the profiles {', '.join(names)} was expected. "
                f"Copy what you want to keep, then add --force."
            )


def write_profile(root: Path, name: str) -> None:
    """Make a profile the one in use: its two files, and the lists in dvc.yaml that follow from them.

    A link or a folder in the place of one of them is left as it is, and is a UserError.
    """
    texts = {file: _text(root, file, name) for file in IN_USE}
    for file in texts:
        must_be_free(root / file, lambda _: None, folder=False)
    for file, text in texts.items():
        with placed_file(root / file, lambda _: None) as part:
            part.write_text(text)
    fix_lists(root)


def graph_under(root: Path, name: str) -> Graph:
    """The graph as it would be with a profile in use; nothing under `root` is changed."""
    with TemporaryDirectory() as folder:
        shutil.copy(root / GRAPH_FILE, folder)
        shutil.copytree(root / "profiles", Path(folder) / "profiles")
        write_profile(Path(folder), name)
        return read_graph(Path(folder))


def _difference(root: Path, file: str, name: str) -> str:
    present = root / file
    old = present.read_text() if present.exists() else ""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        _text(root, file, name).splitlines(keepends=True),
        file,
        IN_USE[file].format(name),
    )
    return "".join(lines)


def _text(root: Path, file: str, name: str) -> str:
    source = root / IN_USE[file].format(name)
    if not source.is_file():
        raise ProfileError(
            f"{source} does not exist, and the profile '{name}' needs it; "
            f"one of {', '.join(profile_names(root))} was expected."
        )
    return source.read_text()
