"""The compute behind each arm of the comparison: seconds of the stages that its training set depends on.

Outputs contain no times, because the same inputs must give the same bytes. So the seconds come from the
records that the stages of this clone keep (jz3/core/whole_run.py), each for its last run: a stage that found
its rows in the store took less than one that computed them, and for one whose result came from DVC's run
cache nothing is known. A stage that several arms depend on counts for each of them. Takes a second, most of
it for importing DVC.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from jz3.core.errors import UserError
from jz3.core.graph_file import Graph, read_graph
from jz3.core.terminal import Table
from jz3.core.whole_run import Took, took
from jz3.evaluation.arms import upstream

BEFORE = "before"
PARTS: Mapping[str, tuple[str, ...]] = {
    BEFORE: ("code", "ingest", "sample", "tasks", "benchmarks", "base"),
    "generation": (
        "compose",
        "distill",
        "augment",
        "finetune",
        "synthesize",
        "parse",
        "solve",
        "balance",
        "pretrain",
    ),
    "selection": (
        "warmup",
        "attribute",
        "sketch",
        "diversify",
        "rds",
        "skills",
        "value",
        "difficulty",
        "select",
        "choose",
    ),
    "curation": ("execute", "correctness", "filter", "dedup", "decontaminate", "audit", "mix", "pack"),
}
"""Stages by their part; all arms share those of `before`. A model of the graph that acts as a solver is
trained by `pretrain`, so its training counts as generation.
"""
OF_SETS = ("mix", "pack")


class ComputeError(UserError):
    """The tables that list the arms do not exist yet."""


@dataclass(frozen=True)
class Compute:
    """The compute behind a training set."""

    arm: str
    parts: Mapping[str, Took]
    """Seconds by the names of PARTS."""
    not_known: tuple[str, ...]
    """Stages that have not run in this clone."""

    @property
    def of_its_own(self) -> Took:
        """Generation, selection and curation together."""
        own = [one for name, one in self.parts.items() if name != BEFORE]
        return Took(sum(one.wall for one in own), sum(one.cpu for one in own))


def compute(root: Path) -> list[Compute]:
    """The compute of each training set, by name. Raises ComputeError if the tables do not exist."""
    graph = read_graph(root)
    file = root / graph.path("tabulate", "arms")
    if not file.is_file():
        raise ComputeError(
            f"{file} does not exist; the table of arms was expected. Run `dvc repro tabulate`."
        )
    sets = pl.read_parquet(file, columns=["set", "synthetic_rows"]).unique().sort("set")
    return compute_of(graph, dict(sets.iter_rows()), took(root))


def compute_of(graph: Graph, synthetic_rows: Mapping[str, int], known: Mapping[str, Took]) -> list[Compute]:
    """The compute of sets, from their numbers of recipe rows: a set without any is charged nothing."""
    found: list[Compute] = []
    for arm, rows in synthetic_rows.items():
        above = [name.replace("/", "@") for name in upstream(graph, f"mix@{arm}")] if rows else []
        names = {stage: _part_of(stage) for stage in [*above, *(f"{base}@{arm}" for base in OF_SETS)]}
        parts = {
            part: [known[stage] for stage, its in names.items() if its == part and stage in known]
            for part in PARTS
        }
        found.append(
            Compute(
                arm,
                {
                    part: Took(sum(one.wall for one in some), sum(one.cpu for one in some))
                    for part, some in parts.items()
                },
                tuple(stage for stage in names if stage not in known),
            )
        )
    return found


def _part_of(stage: str) -> str:
    base = stage.partition("@")[0]
    return next(part for part, stages in PARTS.items() if base in stages)


def table_of(found: Sequence[Compute]) -> Table:
    """A table for people with a line for each arm."""
    head = (
        "arm",
        *(f"{part}, {what}" for part in PARTS for what in ("CPU s", "wall s")),
        "own, CPU s",
        "not known",
    )
    lines = [
        (
            one.arm,
            *(f"{seconds:,.0f}" for took_ in one.parts.values() for seconds in (took_.cpu, took_.wall)),
            f"{one.of_its_own.cpu:,.0f}",
            ", ".join(one.not_known),
        )
        for one in found
    ]
    return Table(head, lines, words=frozenset({0, len(head) - 1}))


def as_json(found: Sequence[Compute]) -> str:
    """JSON for scripts, with an object for each arm."""
    return json.dumps(
        {
            one.arm: {
                name: {"wall": round(seconds.wall, 1), "cpu": round(seconds.cpu, 1)}
                for name, seconds in one.parts.items()
            }
            | {"not_known": list(one.not_known)}
            for one in found
        },
        indent=2,
    )
