"""Where the row store is shared: at an fsspec URL, or beside the artifacts in the default DVC remote.

The remote's own settings (endpoint, keys) are used, so nothing has to be configured twice. A place that does
not exist is neither created nor taken for an empty one, because its name may be mistyped.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jz3.graph.repository import default_remote, opened
from jz3.store.remote_errors import reaching, unusable
from jz3.store.row_store import RowStore
from jz3.store.sharing import Moved, SharedPlace, pull, push

FOLDER = "rows"
"""The folder of rows in a DVC remote; DVC itself uses `files` and `runs` there."""
WITHOUT_FOLDERS = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "oss"}
"""Protocols of object stores, where a folder exists once it has an object; the bucket must exist."""


def pushed(root: Path, url: str | None, store: RowStore) -> Moved:
    """Push to a URL, or to the default DVC remote if none is given.

    Raises RemoteError if the place does not exist or cannot be reached, and RepositoryError if no remote is
    set.
    """
    with _opened(root, url) as (place, base):
        if not _protocols(place.files) & WITHOUT_FOLDERS:
            _must_be_there(place, base)
        return push(store, place)


def pulled(root: Path, url: str | None, store: RowStore) -> Moved:
    """Pull from a URL, or from the default DVC remote if none is given; raises as `pushed` does."""
    with _opened(root, url) as (place, _):
        _must_be_there(place, place.path)
        return pull(store, place)


def _must_be_there(place: SharedPlace, path: str) -> None:
    if not place.files.exists(path):
        raise FileNotFoundError(f"nothing is at {path}")
    if place.files.isfile(path):
        raise ValueError(f"{path} is a file")


@contextmanager
def _opened(root: Path, url: str | None) -> Generator[tuple[SharedPlace, str]]:
    """The shared place, and the path that must exist before anything is sent."""
    if url is not None:
        with reaching(url):
            files, path = _file_system(url)
            yield SharedPlace(files, path), path
        return
    with opened(root) as repo:
        name = default_remote(repo)
        settings: dict[str, Any] = repo.config["remote"][name]
        with reaching(settings["url"]):
            remote = repo.cloud.get_remote(name)
            yield SharedPlace(remote.fs.fs, f"{remote.path}/{FOLDER}"), remote.path


def _file_system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        files, path = url_to_fs(url)
    except (ValueError, ImportError, TypeError) as error:  # unknown scheme, or its library or host is missing
        raise unusable(url, error) from error
    if not url.strip() or (_protocols(files) & WITHOUT_FOLDERS and not path.strip("/")):
        raise unusable(url, "it names no folder and no bucket")
    return files, path


def _protocols(files: Any) -> set[str]:  # noqa: ANN401 (an fsspec file system)
    return {files.protocol} if isinstance(files.protocol, str) else {*files.protocol}
