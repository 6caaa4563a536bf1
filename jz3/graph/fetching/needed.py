"""Which sources of the table a profile uses, and which of them `jz3 fetch` is to fetch."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from jz3.core.params import read_sections
from jz3.graph.fetching.table import TABLE, Purpose, SourceEntry, SourcesError, read_table
from jz3.graph.profile import IN_USE, ProfileError, profile_names
from jz3.raw.fetched import ENDING


def needed(root: Path, profile: str | None) -> list[str]:
    """The sources that a profile (by default the one in use) names, each once, in its order."""
    names = profile_names(root)
    if profile is not None and profile not in names:
        raise ProfileError(f"there is no profile '{profile}'; one of {', '.join(names)} was expected.")
    params, graph = (
        read_sections(root / (IN_USE[file].format(profile) if profile else file))
        for file in ("params.yaml", "graph.yaml")
    )
    try:
        return list(dict.fromkeys([*_of_graph(graph), *_of_params(params), *_encoders(graph, params)]))
    except (KeyError, TypeError, AttributeError) as error:
        raise SourcesError(
            f"{profile or 'params.yaml or graph.yaml'} has no sources, benchmarks, tasks or base where they "
            f"were expected ({error!r}). Write a whole profile with `jz3 profile`."
        ) from error


def not_fetched(root: Path, profile: str | None = None) -> list[str]:
    """The names of the sources of a profile (by default the one in use) that have no manifest yet."""
    if not (root / TABLE).exists():
        return []
    table = read_table(root)
    entries = chosen(table, needed(root, profile), None)
    return [name for name, entry in entries.items() if not entry.manifest(root, name).is_file()]


def chosen(
    table: Mapping[str, SourceEntry], of_profile: list[str], only: str | None
) -> dict[str, SourceEntry]:
    """The entries to fetch: those of the profile, or with `only` those of one group (`corpus`, `benchmark`,
    `task`, `model`) or the one with that name. Raises SourcesError.
    """
    if unknown := [name for name in of_profile if name not in table]:
        raise SourcesError(
            f"the profile uses the source '{unknown[0]}', which {TABLE} does not have; it has "
            f"{', '.join(table)}. Add it there, or correct the profile."
        )
    entries = {name: table[name] for name in of_profile}
    if only is None:
        return entries
    if only in table:
        return {only: table[only]}
    if only not in get_args(Purpose):
        raise SourcesError(
            f"'{only}' is neither a source of {TABLE} nor one of {', '.join(get_args(Purpose))}; its "
            f"sources are {', '.join(table)}. Name one."
        )
    return {name: entry for name, entry in entries.items() if entry.purpose == only}


def _of_graph(graph: Mapping[str, Any]) -> Iterator[str]:
    for path in graph["sources"].values():
        if str(path).endswith(ENDING):
            yield Path(path).name.removesuffix(ENDING)


def _of_params(params: Mapping[str, Any]) -> Iterator[str]:
    tasks = params["tasks"]
    rows = [
        *params["benchmarks"]["sources"],
        *tasks["targets"].values(),
        *tasks["instructions"].values(),
        *(seed["rows"] for seed in tasks["seeds"].values()),
    ]
    yield from (row["source"] for row in rows if row["reader"] == "fetched")
    yield from (
        base["source"]
        for base in params["base"].values()
        if isinstance(base, dict) and base["kind"] == "fetched"
    )


def _encoders(graph: Mapping[str, Any], params: Mapping[str, Any]) -> Iterator[str]:
    """Encoders of the skill graphs and values that the profile's graph lists; nobody needs those of other
    sections yet.
    """
    for section, listed in (("skills", "skill_graphs"), ("value", "valued")):
        for name in graph.get(listed, {}):
            encoder = params[section][name]["encoder"]
            if encoder["kind"] == "fetched":
                yield encoder["source"]
