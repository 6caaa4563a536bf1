"""Downloads what `jz3 push` sent: outputs of stages, and rows of the store.

Either everything, with the run cache, or the outputs of some stages. A name is that of a stage
(`grade@jiuzhang`), of a group (`ingest`), or of the recipe, model or source that a stage is repeated for
(`jiuzhang`). All rows are brought in any case: a store does not know which stage will ask for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jz3.core.errors import UserError
from jz3.graph.repository import base_name, default_remote, name_of, opened, stages
from jz3.graph.shared_rows import pulled
from jz3.store.remote_errors import reaching, shown
from jz3.store.row_store import RowStore
from jz3.store.sharing import Moved

if TYPE_CHECKING:
    from dvc.repo import Repo


class NotPulled(UserError):  # noqa: N818 (a state of the remote or the workspace)
    """Outputs are not at the remote, or cannot be put in place here."""


@dataclass(frozen=True)
class Pulled:
    """What was downloaded, not counting what was here already."""

    files: int
    """The number of objects and run cache entries."""
    rows: Moved


def pull(root: Path, names: Sequence[str], store: RowStore) -> Pulled:
    """Download outputs (by default of all stages) and rows from the default remote.

    Raises NotPulled if DVC cannot bring all of them, RemoteError if the remote cannot be reached, and
    RepositoryError if there is none.
    """
    from dvc.exceptions import DvcException

    with opened(root) as repo:
        default_remote(repo)
        # With the file: otherwise DVC looks for it in the working directory of the process.
        targets = [f"{root.absolute() / 'dvc.yaml'}:{stage}" for stage in _stages_of(repo, names)]
        remote = repo.cloud.get_remote_odb(None)
        with reaching(remote.fs.unstrip_protocol(remote.path)):
            try:
                done: dict[str, Any] = repo.pull(targets or None, run_cache=not names)
            except DvcException as error:
                reason = shown(" ".join(str(error).split()))[:300]
                raise NotPulled(
                    f"not all outputs of {', '.join(names) or 'the graph'} could be fetched ({reason}); "
                    f"those that `jz3 push` sends were expected. `jz3 why STAGE` names what is missing, `dvc "
                    f"repro` makes it."
                ) from error
    return Pulled(int(done["stats"]["fetched"]), pulled(root, None, store))


def _stages_of(repo: "Repo", names: Sequence[str]) -> list[str]:
    known = [name_of(stage) for stage in stages(repo)]
    for name in names:
        if not any(name in _names(stage) for stage in known):
            given = ", ".join(sorted({base_name(stage) for stage in known}))
            raise UserError(
                f"'{name}' is not a stage, nor an entry of a repeated one; one of {given}, or a recipe, "
                f"model or source of graph.yaml was expected. Name one."
            )
    return [stage for stage in known if set(names) & _names(stage)]


def _names(stage: str) -> set[str]:
    """The names of a stage: `grade@jiuzhang` can be called that, `grade` or `jiuzhang`."""
    return {stage, *stage.split("@", 1)}
