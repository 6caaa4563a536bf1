"""Where jz3 keeps what is no artifact: the row store, and the checkpoints of trainings that still run."""

import os
from pathlib import Path


def cache_root() -> Path:
    """$JZ3_STORE, by default `jz3` in the user's cache directory: shared by all clones of a user."""
    named = os.environ.get("JZ3_STORE")
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return (Path(named) if named else cache / "jz3").absolute()
