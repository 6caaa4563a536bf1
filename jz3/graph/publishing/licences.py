"""Licences of the rows of a training set, and whether they forbid publishing it.

A problem that a model wrote from a passage counts as derived from it, so a licence that forbids changed
copies (NoDerivatives) forbids publishing. So does arXiv's licence, under which only arXiv may distribute a
paper, and so does `all rights reserved`. An unknown licence, and a source without one, are refused as well
until the publisher states one (`--licence SOURCE=LICENCE`); this never overrules a licence that forbids.
Conditions such as non-commercial use or share-alike do not forbid publishing; the card states them.

The check only reads names and is not legal advice.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from jz3.core.fan_in import InTables
from jz3.core.graph_file import Graph
from jz3.core.params import PARAMS_FILE, load_params
from jz3.curation.card import training_sets
from jz3.raw.fetched import ENDING, read_manifest
from jz3.tables.passage import Passage
from jz3.tables.problem import Problem
from jz3.tables.training_row import TrainingRow
from jz3.tasks.tasks import INSTRUCTION, SEED, FetchedRows, TasksParams, WriterRows

OWN = "Apache-2.0"
"""The licence of text by the built-in problem writer: that of jz3."""

_ALLOWING = re.compile(
    # SPDX's list (spdx.org/licenses, version 3.27) and the classifiers of PyPI; a digit or `v2` may follow
    r"(0bsd|afl|agpl|apache|artistic|(modified |new |[23] clause )?bsd|bsl|cc by|cc0|cc zero|cc mark|cdla"
    r"|creative commons (attribution|zero)|ecl|epl|eupl|gfdl|gnu|gpl|isc|lgpl|(the )?mit|mpl|ms pl|mulanpsl"
    r"|ncsa|odbl|odc by|openmdw|pddl|psf|public domain|python|unlicense|wtfpl|zlib)(v?\d|\b)"
)
"""Beginnings of names, in lower case and with a blank in place of anything but letters and digits."""
_FORBIDDING = {
    r"\bnd\b|no ?deriv": "forbids changed copies (NoDerivatives), and a problem written after a text is one",
    r"nonexclusive distrib|arxiv": "lets only arXiv distribute the text",
    r"all rights reserved|proprietary|\bunlicensed\b": "allows no copies",
}


_CREATIVE = re.compile(r"^https? (www )?creativecommons org (licenses|publicdomain) ")
_PLACES = re.compile(r"^(https? (www )?(opensource|spdx|apache) org licenses|(license )?osi approved) ")
UNKNOWN, UNCLEAR = "is not known", "is not known to allow copies"


@dataclass(frozen=True)
class SourceLicence:
    """The licence of a source of a training set's rows."""

    training_set: str
    source: str
    """The source of passages, or for rows without a passage the name of their own data set."""
    origin: str
    licence: str | None
    """The licence, or None if none is stated."""
    rows: int
    """Rows of this source and origin in the set; for rows without a passage, of all their data sets together.
    """


def source_licences(root: Path, graph: Graph, stated: Mapping[str, str]) -> list[SourceLicence]:
    """Licences of the sources of each training set. `stated` gives the licence of a source that has none
    or an unclear one.

    Raises UserError if a table or manifest is not here.
    """
    card = graph.stage("card")
    sets = training_sets(
        InTables(TrainingRow, _paths(root, card.flags["training"])),
        InTables(Problem, _paths(root, card.flags["problems"])),
        InTables(Passage, _paths(root, card.flags["passages"])),
    )
    own = _without_passage(root, graph)
    found = [
        one
        for name, training in sets.items()
        for row in training.origins.iter_rows(named=True)
        for one in _of_row(name, row["source"], row["origin"], row["licence"], row["rows"], own)
    ]
    return [
        replace(one, licence=stated[one.source])
        if one.source in stated and objection(one.licence) in (UNKNOWN, UNCLEAR)
        else one
        for one in found
    ]


def objection(licence: str | None) -> str | None:
    """Why rows under a licence may not be published, or None if they may.

    >>> objection("CC-BY-SA-4.0")
    >>> objection("http://creativecommons.org/licenses/by-nc-nd/4.0/")
    'forbids changed copies (NoDerivatives), and a problem written after a text is one'
    >>> objection("MIT OR LicenseRef-Ours"), objection("MIT AND LicenseRef-Ours")
    (None, 'is not known to allow copies')
    """
    if licence is None or not licence.strip():
        return UNKNOWN
    objections = [
        [_of_name(name) for name in re.split(r"\s+and\s+|[,;&]", either.strip("() "), flags=re.IGNORECASE)]
        for either in re.split(r"\s+or\s+", licence, flags=re.IGNORECASE)
    ]
    worst = [next((one for one in found if one), None) for found in objections]
    return None if None in worst else worst[0]


def refusals(found: Iterable[SourceLicence]) -> list[str]:
    """A line for each source and licence that may not be published."""
    rows: dict[tuple[str, str, str, str], int] = {}
    for one in found:
        why = objection(one.licence)
        if why is not None:
            key = one.source, one.origin, one.licence or "its licence", why
            rows[key] = max(rows.get(key, 0), one.rows)
    return [
        f"{source} ({origin}): {licence} {why}; {count} rows"
        for (source, origin, licence, why), count in sorted(rows.items())
    ]


def table_of(found: Iterable[SourceLicence]) -> pl.DataFrame:
    """A table for people, one row per set and licence."""
    rows = [(one.training_set, one.source, one.licence or "not known", one.rows) for one in found]
    schema = {"set": pl.String, "source": pl.String, "licence": pl.String, "rows": pl.Int64}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    return frame.group_by("set", "source", "licence", maintain_order=True).agg(pl.col("rows").sum())


def _paths(root: Path, names: Iterable[str]) -> tuple[Path, ...]:
    return tuple(root / name for name in names)


def _of_row(
    name: str,
    source: str,
    origin: str | None,
    licence: str | None,
    rows: int,
    own: Mapping[str, Mapping[str, str | None]],
) -> list[SourceLicence]:
    if origin is not None:
        return [SourceLicence(name, source, origin, licence, rows)]
    named = own.get(source, {})
    if not named:
        return [SourceLicence(name, source, "rows without a passage", None, rows)]
    return [SourceLicence(name, data, f"{source} rows", said, rows) for data, said in named.items()]


def _without_passage(root: Path, graph: Graph) -> dict[str, dict[str, str | None]]:
    """Licences of instruction data and of seed problems, by their names in the parameters of `tasks`."""
    tasks = graph.stage("tasks")
    params = load_params(TasksParams, tasks.section, root / PARAMS_FILE)
    raw = root / tasks.path("raw")
    return {
        INSTRUCTION: {
            name: OWN
            if isinstance(rows, WriterRows)
            else read_manifest(raw / f"{rows.source}{ENDING}").licence
            if isinstance(rows, FetchedRows)
            else None
            for name, rows in params.instructions.items()
        },
        SEED: {name: seeds.licence for name, seeds in params.seeds.items()},
    }


def _of_name(name: str) -> str | None:
    words = " ".join(re.findall(r"[a-z0-9]+", name.lower()))
    for pattern, why in _FORBIDDING.items():
        if re.search(pattern, words):
            return why
    return None if _ALLOWING.match(_PLACES.sub("", _CREATIVE.sub("cc ", words))) else UNCLEAR
