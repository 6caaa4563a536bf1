"""Sends everything that another machine needs to restore the results from here instead of computing them.

`dvc push --run-cache` is not enough (DVC 3.67): it does not send a stage's metrics, which are in git and not
in the cache, and without these the run cache restores nothing. It also pushes damaged objects. So here the
cache is verified first; then DVC pushes, and then the metrics' objects and the rows of the store are sent.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jz3.core.errors import UserError
from jz3.graph.repository import default_remote, opened, stages
from jz3.graph.shared_rows import pushed
from jz3.graph.verify import verify
from jz3.store.remote_errors import reaching
from jz3.store.row_store import RowStore
from jz3.store.sharing import Moved

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc_data.hashfile.hash_info import HashInfo


class DamagedCache(UserError):  # noqa: N818 (a state of the cache)
    """The cache has damaged objects, which must not be shared."""


@dataclass(frozen=True)
class Pushed:
    """What was sent, not counting what was there already."""

    files: int
    """Objects and run cache entries."""
    metrics: int
    rows: Moved


def push(root: Path, store: RowStore) -> Pushed:
    """Verify the cache, then send outputs, run cache, metrics and rows to the default remote.

    Raises DamagedCache before anything is sent, and RemoteError if the remote cannot be reached.
    """
    found = verify(root, "cache")
    if found.damages:
        raise DamagedCache(
            f"{len(found.damages)} objects of the cache are damaged, such as {found.damages[0].path}; "
            f"intact ones were expected. Nothing was sent. `jz3 verify` lists them, `--remove` clears them."
        )
    with opened(root) as repo:
        default_remote(repo)
        remote = repo.cloud.get_remote_odb(None)
        with reaching(remote.fs.unstrip_protocol(remote.path)):
            files = repo.push(run_cache=True)
            metrics = _push_metrics(repo)
    return Pushed(files, metrics, pushed(root, None, store))


def _push_metrics(repo: "Repo") -> int:
    """Send the objects of outputs that git keeps, because the run cache refers to them."""
    cache = repo.cache.local
    wanted: set[HashInfo] = {
        out.hash_info
        for stage in stages(repo)
        for out in stage.outs
        if not out.use_cache and out.hash_info and out.hash_info.value and cache.exists(out.hash_info.value)
    }
    sent = repo.cloud.push(wanted)
    return len(sent.transferred)
