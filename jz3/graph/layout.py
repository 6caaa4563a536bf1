"""The layout in which DVC writes parameters: profiles are stored in it, so that `dvc exp run -S` changes one
line.

For an experiment DVC reads a whole file of parameters, sets the new values and writes the whole file again,
with its own line breaks, quotes and indents. In a file that DVC has written itself, only the parameter's line
changes, so `git diff` shows the experiment.
"""

import re
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from jz3.core.errors import UserError
from jz3.core.placing import placed_file

LAID_OUT = ("profiles/*.yaml", "profiles/execution/*.yaml", "params.yaml", "execution.yaml")
"""Files in which `dvc exp run -S` can set a parameter, and the profiles that they are copies of."""


class LayoutError(UserError):
    """A comment is in a place where DVC would lose it."""


def wrong_layout(root: Path) -> list[str]:
    """The files under the root that DVC would write in another layout."""
    return [
        str(file.relative_to(root))
        for file in _files(root)
        if (text := file.read_text()) != as_dvc_writes(text)
    ]


def fix_layout(root: Path) -> None:
    """Rewrite every profile and the files in use in DVC's layout; the values stay.

    Raises LayoutError, before anything is written, if a comment would be lost.
    """
    written = {file: as_dvc_writes(file.read_text()) for file in _files(root)}
    for file, text in written.items():
        lost = _comments(file.read_text()) - _comments(text)
        if lost:
            raise LayoutError(
                f"{file} has the comment '{next(iter(lost))}' where DVC would lose it; a comment above "
                f"its parameter or behind it was expected. Move it there."
            )
    for file, text in written.items():
        with placed_file(file, lambda _: None) as part:
            part.write_text(text)


def as_dvc_writes(text: str) -> str:
    """A file of parameters as `dvc exp run -S` leaves it if no value changes."""
    from dvc.utils.hydra import apply_overrides

    with TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        file.write_text(text)
        apply_overrides(file, [])
        return file.read_text()


def _files(root: Path) -> list[Path]:
    return [file for pattern in LAID_OUT for file in sorted(root.glob(pattern))]


def _comments(text: str) -> Counter[str]:
    return Counter(" ".join(found.split()) for found in re.findall(r"(?m)(?:^|\s)(# .*)$", text))
