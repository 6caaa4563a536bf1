"""Disk space of the whole graph once it is built, estimated from rows, weights and tokens before it runs.

Texts are counted with the lengths that `jz3 plan` uses, compressed as in parquet. Outputs of stages exist
twice, in the workspace and in DVC's cache, unless the file system clones files (reflink). Checkpoints of a
training exist while it runs. The estimate is meant for choosing disks and is good to within a half.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from jz3.core.graph_file import Stage
from jz3.graph.card_memory import parameters_of
from jz3.graph.fetching.table import read_table
from jz3.graph.on_cards import WEIGHT_BYTES
from jz3.graph.setting import Setting
from jz3.graph.sizes import Sizes
from jz3.raw.fetched import ENDING
from jz3.training.base import BaseParams, FetchedModel

COMPRESSED = 0.3
"""The compressed share of a text in parquet with zstd (measured on 2,000 released rows: 0.29)."""
ROW_BYTES = 120
"""Bytes of ids, words and verdicts of a row in curation (chosen: two ids of 16 bytes, some evidence)."""
TOKEN_BYTES = 4.5
"""Bytes per token of a packed block, the most that docs/training.md promises."""
TRAINED_BYTES = 12
"""Bytes per weight in a checkpoint to resume from: the weight and two moments of AdamW, in float32."""
IN_CACHE = 2
"""Copies of a stage's output: in the workspace and in DVC's cache."""
JUDGING = 4
"""Tables of verdicts per recipe: `execute`, `filter`, `dedup`, `decontaminate`."""


@dataclass(frozen=True)
class Disk:
    """Bytes by purpose."""

    parts: Mapping[str, int]

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    def __str__(self) -> str:
        """`1,020 GB: fetched 60, tables 400, models 200, row store 250, checkpoints 110`."""
        parts = ", ".join(f"{name} {_gb(size)}" for name, size in self.parts.items())
        return f"{_gb(self.total)} GB: {parts}"


def _gb(size: int) -> str:
    return f"{size / 1e9:,.1f}" if size < 1e10 else f"{size / 1e9:,.0f}"


def disk_of(setting: Setting) -> Disk:
    """The disk space of the whole graph, as if nothing were built yet."""
    return _Counting(setting).disk()


class _Counting:
    def __init__(self, setting: Setting) -> None:
        self._setting, self._graph, self._planning = setting, setting.graph, setting.execution.planning
        everything = {path for stage in setting.graph.stages for path in stage.leaves}
        self._sizes = Sizes(
            setting.root, setting.graph, dict(setting.sections), setting.execution, everything
        )

    def disk(self) -> Disk:
        tables, store, models, running = 0.0, 0.0, 0.0, 0.0
        for stage in self._graph.stages:
            tables += self._table(stage)
            store += self._stored(stage)
            models += self._models(stage)
            running = max(running, self._running(stage))
        parts = {
            "fetched": self._fetched(),
            "tables": IN_CACHE * tables,
            "models": IN_CACHE * models,
            "row store": store,
            "checkpoints while training": running,
        }
        return Disk({name: round(size) for name, size in parts.items()})

    def _fetched(self) -> int:
        """Bytes of fetched sources and models; those of benchmarks and tasks are small and not counted."""
        reads = {Path(path).name for stage in self._graph.stages for path in stage.reads}
        sources = {name.removesuffix(ENDING) for name in reads if name.endswith(ENDING)}
        bases = BaseParams.model_validate(self._setting.sections["base"])
        models = (bases.synthesis, bases.reference, bases.final)
        sources |= {model.source for model in models if isinstance(model, FetchedModel)}
        if not sources:
            return 0
        table = read_table(self._setting.root)
        return sum(table[name].size or 0 for name in sources if name in table)

    @property
    def _text(self) -> float:
        """Bytes of a problem with its solution in a table."""
        planning = self._planning
        return planning.problem_tokens * planning.characters_per_token * COMPRESSED

    def _table(self, stage: Stage) -> float:
        if stage.base in ("compose", "select"):
            prompts = self._sizes.prompts(stage.path("prompts" if stage.base == "compose" else "boosted"))
            return prompts.rows.value * sum(prompts.characters.values()) * COMPRESSED
        if stage.base == "synthesize":
            return self._sizes.prompts(stage.path("prompts")).rows.value * self._text
        if stage.base in ("parse", "augment", "balance"):
            rows = self._sizes.problems(stage.path("problems")).value
            return rows * (self._text + JUDGING * ROW_BYTES)
        if stage.base == "mix":
            return self._trained_rows(stage) * self._text
        if stage.base == "pack":
            mix = self._graph.writer(stage.path("training"))
            rows = 0 if mix is None else self._trained_rows(mix)
            return rows * self._planning.problem_tokens * TOKEN_BYTES
        return 0.0

    def _trained_rows(self, mix: Stage) -> int:
        synthetic = self._setting.section(mix)["synthetic"]["rows"]
        if synthetic is None:
            synthetic = self._sizes.problems(mix.path("problems")).value
        return synthetic + self._planning.instruction_rows

    def _stored(self, stage: Stage) -> float:
        """Bytes of the row store, whose rows have request and answer."""
        if stage.base not in ("synthesize", "distill"):
            return 0.0
        prompts = self._sizes.prompts(stage.path("prompts"))
        return prompts.rows.value * (max(prompts.characters.values()) * COMPRESSED + self._text)

    def _models(self, stage: Stage) -> float:
        if stage.base == "warmup":
            return self._adapters(stage)
        if stage.base not in ("finetune", "pretrain"):
            return 0.0
        size = self._parameters(stage) * WEIGHT_BYTES[self._setting.section(stage)["weights"]]
        return size * (2 if stage.base == "pretrain" else 1)  # the final model and the one before the decay

    def _adapters(self, stage: Stage) -> float:
        """Bytes of the adapter and its two moments for each epoch, in float32."""
        section = self._setting.section(stage)
        shape = self._setting.shape(stage.path("base"))
        if shape is None:
            return 0.0
        width, mlp, rank = (
            int(shape["hidden_size"]),
            int(shape["intermediate_size"]),
            section["adapter"]["rank"],
        )
        wide = sum(
            target in ("gate_proj", "up_proj", "down_proj") for target in section["adapter"]["targets"]
        )
        square = len(section["adapter"]["targets"]) - wide
        layer = rank * (square * 2 * width + wide * (width + mlp))
        return section["epochs"] * int(shape["num_hidden_layers"]) * layer * TRAINED_BYTES

    def _running(self, stage: Stage) -> float:
        """Bytes of checkpoints to resume from, and of whole float32 weights of the steps that are kept."""
        if stage.base not in ("finetune", "pretrain"):
            return 0.0
        kept = 4 * (2 if stage.base == "pretrain" else 1)
        return self._parameters(stage) * (self._setting.execution.checkpoints_kept * TRAINED_BYTES + kept)

    def _parameters(self, stage: Stage) -> int:
        shape = self._setting.shape(stage.path("base"))
        return 0 if shape is None else parameters_of(shape)
