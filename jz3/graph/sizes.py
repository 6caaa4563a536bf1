"""How many rows and tokens each stage of the graph will read: from files if they are current, otherwise from
the parameters or from the profile's assumptions. Tables are those that the commands of dvc.yaml name.

A figure is exact (counted in a file that no stage will change) or an estimate. The cost is reading the
metadata of tables and at most SAMPLE_ROWS of their texts.
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
from jz3.teacher.beginnings import PASSAGES
from jz3.teacher.taught import AugmentParams, asks_of_a_seed, begins_at, rows_of_a_seed

SAMPLE_ROWS = 20_000
"""Rows whose texts are measured (chosen: the mean length is then known to about 1 %)."""
PIECES = 20
"""Places of a table from which they are taken; prompts are in the order of their hashes."""


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
    """Mean length in characters by form of the prompt."""


class Sizes:
    """Sizes of the graph's tables under one set of parameters.

    `sections` are those of params.yaml or of a profile; `changing` are the paths that a stale stage will
    rewrite, so their present content does not count.
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
        """The prompts that a selection keeps and adds to; None for prompts from `compose`."""
        writer = self._graph.writer(path)
        return writer.path("initial") if writer is not None and writer.base == "select" else None

    def problems(self, path: str) -> Amount:
        """Problems of a recipe or of candidates: the existing ones, or else as many as there are prompts (or
        seeds).
        """
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
        """Requests of a recipe that a teacher writes, by operator, as far as they follow from the number of
        its seeds or passages.
        """
        seeds = self._seeds_of(stage)
        return {name: seeds * count for name, count in asks_of_a_seed(self._recipe(stage)).items()}

    def _seeds_of(self, stage: Stage) -> int:
        """Seeds, or the passages that the recipe uses instead."""
        beginning = begins_at(self._recipe(stage))
        path = stage.path(beginning.flag)
        return (self.passages(path) if beginning is PASSAGES else self.seeds(path)).value

    def _recipe(self, stage: Stage) -> AugmentParams:
        return AugmentParams.model_validate(self._section(stage))

    def _section(self, stage: Stage) -> Any:  # noqa: ANN401 (as YAML gives it)
        return reduce(lambda level, key: level[key], stage.section.split("."), self._sections)

    def seeds(self, path: str) -> Amount:
        """Seeds in a table from `tasks`, as seeds or as problems: the existing ones, or else as many as the
        parameters ask for.
        """
        tasks = TasksParams.model_validate(self._sections["tasks"])
        counts = [_asked(seeds.rows, len(tasks.families)) for seeds in tasks.seeds.values()]
        return self.table(path, sum(self._planning.instruction_rows if n is None else n for n in counts))

    def passages(self, path: str) -> Amount:
        """Passages of a round: the existing ones, or else as many as the quotas of `sample` say."""
        sample = SampleParams.model_validate(self._sections["sample"])
        writer = self._graph.writer(path)
        assert writer is not None, f"no stage leaves {path}"
        quotas = [_of(quota, writer.flag_of(path)) for quota in sample.quotas.values()]
        known = [quota for quota in quotas if quota is not None]
        return self.table(path, sum(known) if len(known) == len(quotas) else self._planning.corpus_prompts)

    def right(self, path: str) -> Path | None:
        """The absolute path, if the file exists and no stage will change it."""
        return self._root / path if self.is_right(path) else None

    def is_right(self, path: str) -> bool:
        """Whether the present content of a path is what later stages will read."""
        return path not in self._changing and (self._root / path).exists()

    def table(self, path: str, otherwise: int) -> Amount:
        """Rows of a table that exists and will not change, or else an estimate."""
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
        """Passages of a round's quotas, each with its number of prompts; for an open quota, the profile's
        assumption.
        """
        sample = SampleParams.model_validate(self._sections["sample"])
        levels = ComposeParams.model_validate(self._sections["compose"]).levels_per_passage
        quotas = {source: _of(quota, name) for source, quota in sample.quotas.items()}
        if any(quota is None for quota in quotas.values()):
            return self._planning.corpus_prompts
        return sum((quota or 0) * levels[source] for source, quota in quotas.items())

    def _composed_characters(self) -> dict[str, float]:
        """Characters of templates filled with the longest passages, with levels in equal shares."""
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
    """How many rows the parameters of `tasks` ask for; None means all rows of a file."""
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
    """Columns of at most this many prompts of a table, from PIECES places of it."""
    rows, scan = In(Prompt, table).rows(), In(Prompt, table).scan()
    if rows <= count:
        return scan.select(columns).collect()
    step = count // PIECES
    starts = [place * (rows - step) // (PIECES - 1) for place in range(PIECES)]
    return pl.concat([scan.slice(start, step).select(columns).collect() for start in starts])
