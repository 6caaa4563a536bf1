"""The repository that a command works on: the one around the current folder."""

import os
from pathlib import Path

from jz3.core.errors import UserError


def root() -> Path:
    """Its root, relative to the current folder so that paths in messages can be pasted."""
    from jz3.core.remedies import repository_of

    found = repository_of(Path.cwd())
    if found is None:
        raise UserError(
            f"{Path.cwd()} is not in a repository of jz3: no dvc.yaml is in it or above it; "
            f"a clone was expected. Go there and run this again."
        )
    return Path(os.path.relpath(found))
