"""Where the row store is shared: at an fsspec URL, or beside the artifacts in the default DVC remote.

The remote's own settings (endpoint, keys) are used, so there is nothing to configure twice.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from jz3.build.repository import default_remote, opened
from jz3.store.reaching import reaching
from jz3.store.rows import RowStore
from jz3.store.sharing import Moved, SharedPlace

FOLDER = "rows"
"""Of a DVC remote; DVC itself uses `files` and `runs` there."""


def moved(
    root: Path, url: str | None, store: RowStore, move: Callable[[RowStore, SharedPlace], Moved]
) -> Moved:
    """Push or pull at a URL, or in the default DVC remote where there is none.

    Raises RemoteError where the place cannot be reached, RepositoryError where no remote is set.
    """
    if url is not None:
        from fsspec.core import url_to_fs

        files, path = url_to_fs(url)
        with reaching(url):
            return move(store, SharedPlace(files, path))
    with opened(root) as repo:
        name = default_remote(repo)
        settings: dict[str, Any] = repo.config["remote"][name]
        with reaching(settings["url"]):
            remote = repo.cloud.get_remote(name)
            return move(store, SharedPlace(remote.fs.fs, f"{remote.path}/{FOLDER}"))
