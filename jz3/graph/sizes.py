"""How many rows and tokens each stage of the graph has before it: from files where they are right, else from
the parameters, else from what the profile assumes. Tables are those that the commands of dvc.yaml name.

A figure is exact (counted in a file that no stage will change) or an estimate. Costs reading the metadata of
tables and at most SAMPLE_ROWS of their texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import polars as pl

from jz3.core.artifacts import In, InFiles, PartsManifest
from jz3.core.execution import Execution
from jz3.core.graph_file import Graph, Stage
from jz3.corpus.compose import ComposeParams
from jz3.corpus.sample import Quota, SampleParams
from jz3.corpus.templates import Templates, read_templates
from jz3.tables.prompt import Prompt
from jz3.tables.words import KINDS, PROMPT_FORMS
from jz3.tasks.tasks import Rows, TasksParams, WriterRows
from jz3.teacher.taught import AugmentParams, asks_of_a_seed, rows_of_a_seed

SAMPLE_ROWS = 20_000
"""Rows whose texts are measured (chosen: the mean length is then known to about 1 %)."""
PIECES = 20
"""Places of a table that they are taken from; prompts lie in the order of their hashes."""


@dataclass(frozen=True)
class Amount:
    """A number of rows or tokens, and whether it was counted or estimated."""

    value: int
    exact: bool


@dataclass(frozen=True)
class PromptSet:
    """Prompts that a stage will read."""

    rows: Amount
    characters: dict[str, float]
    """Mean length, by form of the prompt."""


class Sizes:
    """Sizes of the graph's tables under one set of parameters.

    `sections` are those of params.yaml or of a profile; `changing` are the paths that a stale stage will
    write anew: what lies there now says nothing.
    """

    def __init__(
        self, root: Path, graph: Graph, sections: dict[str, Any], execution: Execution, changing: set[str]
    ) -> None:
        self._root, self._graph, self._sections, self._changing = root, graph, sections, changing
        self._planning = execution.planning

    def prompts(self, path: str) -> PromptSet:
        """The prompts of a table that `compose` or `select` leaves."""
        table = self.right(path)
        if table is not None:
            return _measured(table)
        return PromptSet(Amount(self._prompt_rows(path), exact=False), self._composed_characters())

    def first_round(self, path: str) -> str | None:
        """The prompts that a selection keeps and adds to; None for prompts that `compose` leaves."""
        writer = self._graph.writer(path)
        return writer.path("initial") if writer is not None and writer.base == "select" else None

    def problems(self, path: str) -> Amount:
        """Problems of a recipe or of candidates: those there, else as many as it has prompts (or seeds)."""
        writer = self._graph.writer(path)
        if writer is not None and writer.base == "augment":
            return self.table(path, round(self._seeds_of(writer) * rows_of_a_seed(self._recipe(writer))))
        if writer is not None and writer.base == "tasks":
            return self.seeds(path)
        if writer is not None and writer.base == "choose":
            share = float(self._section(writer)["share"])
            return self.table(path, round(self.problems(writer.path("pool")).value * share))
        if writer is not None and "prompts" in writer.flags:
            return self.table(path, self.prompts(writer.path("prompts")).rows.value)
        return self.table(path, self._planning.instruction_rows)

    def asks(self, stage: Stage) -> dict[str, float]:
        """Requests of a recipe that a teacher writes, by operator, as far as the number of its seeds says."""
        seeds = self._seeds_of(stage)
        return {name: seeds * count for name, count in asks_of_a_seed(self._recipe(stage)).items()}

    def _seeds_of(self, stage: Stage) -> int:
        return self.seeds(stage.path("seeds")).value

    def _recipe(self, stage: Stage) -> AugmentParams:
        return AugmentParams.model_validate(self._section(stage))

    def _section(self, stage: Stage) -> Any:  # noqa: ANN401 (as YAML gives it)
        return reduce(lambda level, key: level[key], stage.section.split("."), self._sections)

    def seeds(self, path: str) -> Amount:
        """Seeds in a table that `tasks` leaves, as seeds or as problems: those there, else as many as the
        parameters ask for.
        """
        tasks = TasksParams.model_validate(self._sections["tasks"])
        counts = [_asked(seeds.rows, len(tasks.families)) for seeds in tasks.seeds.values()]
        return self.table(path, sum(self._planning.instruction_rows if n is None else n for n in counts))

    def right(self, path: str) -> Path | None:
        """Where a path lies, if it is there and no stage will change it."""
        return self._root / path if self.is_right(path) else None

    def is_right(self, path: str) -> bool:
        """Whether what lies at a path is what the stages below will read."""
        return path not in self._changing and (self._root / path).exists()

    def table(self, path: str, otherwise: int) -> Amount:
        """Rows of a table that is there and stays, else an estimate."""
        if not self.is_right(path):
            return Amount(otherwise, exact=False)
        place = self._root / path
        if place.is_dir():
            manifest = PartsManifest.model_validate_json((place / "manifest.json").read_text())
            return Amount(manifest.rows, exact=True)
        return Amount(pl.scan_parquet(place).select(pl.len()).collect().item(), exact=True)

    def _prompt_rows(self, path: str) -> int:
        first = self.first_round(path)
        writer = self._graph.writer(path)
        assert writer is not None, f"no stage leaves {path}"
        if first is not None:
            candidates = self.prompts(writer.path("candidates")).rows.value
            return self.prompts(first).rows.value + min(int(self._section(writer)["count"]), candidates)
        passages = writer.path("passages")
        sampled_by = self._graph.writer(passages)
        assert sampled_by is not None, f"no stage leaves {passages}"
        return self._composed(sampled_by.flag_of(passages))

    def _composed(self, name: str) -> int:
        """Passages of a round's quotas, each with its number of prompts; an open quota is what the profile
        says.
        """
        sample = SampleParams.model_validate(self._sections["sample"])
        levels = ComposeParams.model_validate(self._sections["compose"]).levels_per_passage
        quotas = {source: _of(quota, name) for source, quota in sample.quotas.items()}
        if any(quota is None for quota in quotas.values()):
            return self._planning.corpus_prompts
        return sum((quota or 0) * levels[source] for source, quota in quotas.items())

    def _composed_characters(self) -> dict[str, float]:
        """Templates filled with passages of the greatest length, levels in equal shares."""
        params = ComposeParams.model_validate(self._sections["compose"])
        ingest: dict[str, Any] = self._sections["ingest"]
        passage = "x" * max(int(source["max_characters"]) for source in ingest.values())
        weights = dict(zip(KINDS, (1 - params.tool_share, params.tool_share), strict=True))
        folder = InFiles(self._root / self._graph.of("compose")[0].path("templates"))
        templates = read_templates(folder, params.levels)
        return {
            form: sum(weights[kind] * _template_characters(templates, form, kind, passage) for kind in KINDS)
            for form in PROMPT_FORMS
        }


def _asked(rows: Rows, families: int) -> int | None:
    """How many rows parameters of `tasks` ask for; None for all that a file has."""
    return rows.rows_per_family * families if isinstance(rows, WriterRows) else rows.rows


def _of(quota: Quota, name: str) -> int | None:
    quotas: dict[str, int | None] = quota.model_dump()
    return quotas[name]


def _template_characters(templates: Templates, form: str, kind: str, passage: str) -> float:
    texts = [
        templates.full_prompt(level, kind, passage, 0)
        if form == "full"
        else templates.compact_prompt(level, kind, passage)
        for level in templates.cot
    ]
    return sum(map(len, texts)) / len(texts)


def _measured(table: Path) -> PromptSet:
    rows = In(Prompt, table).rows()
    lengths = [pl.col(form).str.len_chars() for form in PROMPT_FORMS]
    texts = sampled(table, lengths, SAMPLE_ROWS)
    means = {form: float(texts.get_column(form).mean() or 0.0) for form in ("full", "compact")}  # type: ignore[arg-type]
    return PromptSet(Amount(rows, exact=True), means)


def sampled(table: Path, columns: Sequence[str | pl.Expr], count: int) -> pl.DataFrame:
    """Columns of at most so many prompts of a table, from PIECES places of it."""
    rows, scan = In(Prompt, table).rows(), In(Prompt, table).scan()
    if rows <= count:
        return scan.select(columns).collect()
    step = count // PIECES
    starts = [place * (rows - step) // (PIECES - 1) for place in range(PIECES)]
    return pl.concat([scan.slice(start, step).select(columns).collect() for start in starts])
