"""Profiles: complete parameter sets under `profiles/`. `params.yaml` is the one in use.

There is no composition and no override: `dvc repro`, `dvc status` and `dvc exp run` see the same one file.
"""

import difflib
from pathlib import Path

from jz3.core.errors import UserError
from jz3.core.placing import placed_file


class ProfileError(UserError):
    """A profile does not exist, or params.yaml holds edits that would be lost."""


def profile_names(root: Path) -> list[str]:
    """The profiles there are."""
    return sorted(path.stem for path in (root / "profiles").glob("*.yaml"))


def profile_difference(root: Path, name: str) -> str:
    """What writing a profile would change in params.yaml, as a unified diff; empty for nothing."""
    present = root / "params.yaml"
    old = present.read_text() if present.exists() else ""
    lines = difflib.unified_diff(
        old.splitlines(keepends=True),
        _text(root, name).splitlines(keepends=True),
        "params.yaml",
        f"profiles/{name}.yaml",
    )
    return "".join(lines)


def check_no_edits(root: Path) -> None:
    """Raises ProfileError where params.yaml is none of the profiles, as writing one would lose edits."""
    present = root / "params.yaml"
    if present.exists() and present.read_text() not in {_text(root, name) for name in profile_names(root)}:
        raise ProfileError(
            f"{present} holds edits; one of the profiles {', '.join(profile_names(root))} was expected. "
            f"Copy what you want to keep, then add --force."
        )


def write_profile(root: Path, name: str) -> None:
    """Make a profile the one in use; a params.yaml that is a link or a folder is left as it is."""
    text = _text(root, name)
    with placed_file(root / "params.yaml", lambda _: None) as part:
        part.write_text(text)


def _text(root: Path, name: str) -> str:
    file = root / "profiles" / f"{name}.yaml"
    if not file.is_file():
        raise ProfileError(
            f"there is no profile '{name}' under {root / 'profiles'}; "
            f"one of {', '.join(profile_names(root))} was expected."
        )
    return file.read_text()
