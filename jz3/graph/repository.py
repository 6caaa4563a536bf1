"""The graph as DVC itself reads it: dvc.yaml, dvc.lock and params.yaml. Opening it takes about a second."""

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from jz3.core.errors import UserError
from jz3.store.remote_errors import shown

if TYPE_CHECKING:
    from dvc.repo import Repo
    from dvc.stage import PipelineStage, Stage


class RepositoryError(UserError):
    """DVC cannot read the graph, or a stage is not in it."""


@contextmanager
def opened(root: Path) -> Generator["Repo"]:
    """The repository, open for reading; DVC's complaints become a one-line error."""
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    logging.getLogger("dvc").setLevel(logging.ERROR)  # DVC's hints are about its own commands
    try:
        with Repo(str(root)) as repo:
            yield repo
    except (DvcException, RecursionError) as error:  # RecursionError: YAML that is nested too deeply
        reason = shown(" ".join(str(error).split()))
        raise RepositoryError(
            f"DVC cannot read {root.absolute()}: {reason}. Fix what it names; `dvc status` shows it, too."
        ) from error


def default_remote(repo: "Repo") -> str:
    """The name of the default remote. Raises RepositoryError if there is none."""
    name: str | None = repo.config["core"].get("remote")
    if name is None:
        raise RepositoryError(
            "DVC has no default remote; one was expected, or an fsspec URL such as s3://bucket/rows. "
            "Give a URL (of rows alone), or run `dvc remote add -d NAME URL`."
        )
    return name


def stages(repo: "Repo") -> list["PipelineStage"]:
    """The stages, each after all those that it reads from."""
    import networkx as nx
    from dvc.stage import PipelineStage

    graph = repo.index.graph
    by_name = {name_of(stage): stage for stage in graph if isinstance(stage, PipelineStage)}
    order: nx.DiGraph[str] = nx.DiGraph()
    order.add_nodes_from(by_name)
    order.add_edges_from((name_of(above), name_of(below)) for below, above in graph.edges)
    return [by_name[name] for name in nx.lexicographical_topological_sort(order) if name in by_name]


def name_of(stage: "Stage") -> str:
    """The stage's name in dvc.lock, such as `ingest@web`; for a `.dvc` file (an import), its path."""
    return getattr(stage, "name", None) or str(stage.path)


def named(repo: "Repo", name: str) -> list["PipelineStage"]:
    """The stage with that name, or all stages of a group (`ingest` for each `ingest@...`)."""
    found = [stage for stage in stages(repo) if name in (name_of(stage), base_name(name_of(stage)))]
    if not found:
        names = ", ".join(sorted({base_name(name_of(stage)) for stage in stages(repo)}))
        raise RepositoryError(f"dvc.yaml has no stage '{name}'; one of {names} was expected.")
    return found


def base_name(stage: str) -> str:
    """`ingest` of `ingest@web`."""
    return stage.partition("@")[0]


def locked(root: Path) -> dict[str, Any]:
    """Each stage's entry in dvc.lock; empty if nothing has run yet."""
    file = root / "dvc.lock"
    if not file.exists():
        return {}
    try:
        document: Any = yaml.load(file.read_bytes(), Loader=_Loader)
    except (yaml.YAMLError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise RepositoryError(
            f"{file} is not YAML: {reason}. Restore it from git (`git checkout dvc.lock`), or delete it: "
            f"`dvc repro` rewrites it from the run cache."
        ) from error
    return (document or {}).get("stages", {})


def outputs(entries: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Stage, path and md5 of every output that dvc.lock records."""
    for stage, entry in entries.items():
        for out in entry.get("outs", []):
            yield stage, out["path"], out["md5"]


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
