"""Where jz3 keeps what is not an artifact: the row store, and the checkpoints of unfinished trainings."""

import os
from pathlib import Path

from jz3.core.errors import UserError


def cache_root() -> Path:
    """$JZ3_STORE, by default `jz3` in the user's cache directory: shared by all clones of a user.

    Raises UserError if $JZ3_STORE is not set and the user has no home directory.
    """
    if named := os.environ.get("JZ3_STORE"):
        return Path(named).absolute()
    if cache := os.environ.get("XDG_CACHE_HOME"):
        return (Path(cache) / "jz3").absolute()
    try:
        return Path.home() / ".cache/jz3"
    except RuntimeError as error:
        raise UserError(
            f"there is no place for the row store ({error}); a home directory was expected. "
            f"Set JZ3_STORE to a folder."
        ) from error
