"""A graph with a profile's parameters and execution settings, and the shapes of its models before the run.

A model that `jz3 fetch` brought has a config; before that `data/sources.yaml` says its shape. A model from a
config has the shape that section `base` gives it. Every model that is trained has the shape of its base.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from jz3.core.execution import Execution
from jz3.core.graph_file import Graph, Stage
from jz3.graph.fetching.table import read_table
from jz3.raw.fetched import read_manifest
from jz3.training.base import BaseParams, ConfigModel, FetchedModel

Shape = Mapping[str, Any]
"""Fields of a config.json."""

ABOVE = {"finetune": "base", "pretrain": "base", "warmup": "base"}
"""For each stage that leaves a model or checkpoints, the flag of the model that it starts from."""
CONFIG = "config.json"


@dataclass(frozen=True)
class Setting:
    """What decides the memory, disk space and lengths of a graph before anything is built."""

    root: Path
    graph: Graph
    sections: Mapping[str, Any]
    """Sections of params.yaml, or of a profile."""
    execution: Execution

    def section(self, stage: Stage) -> Any:  # noqa: ANN401 (as YAML gives it)
        """The parameters of a stage."""
        values: Any = self.sections
        for part in stage.section.split("."):
            values = values[part]
        return values

    def sections_read(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Every section of the parameters, with its dotted name, that lies in one which a stage of the graph
        reads, at any depth: the solver of a stage `solve` is `solve.NAME.solver`.
        """
        read = tuple(f"{stage.section}." for stage in self.graph.stages)
        return [
            (place, section) for place, section in _nested("", self.sections) if f"{place}.".startswith(read)
        ]

    def shape(self, path: str) -> Shape | None:
        """The shape of the model (or checkpoints) at a path of the graph; None if it is not known."""
        writer = self.graph.writer(path)
        while writer is not None and writer.base in ABOVE:
            path = writer.path(ABOVE[writer.base])
            writer = self.graph.writer(path)
        if writer is None or writer.base != "base":
            return None
        params = BaseParams.model_validate(self.sections["base"])
        model: ConfigModel | FetchedModel = getattr(params, writer.flag_of(path))
        if isinstance(model, ConfigModel):
            return _built(model, params.vocabulary)
        entry = read_table(self.root).get(model.source)
        if entry is None:
            return None
        manifest = entry.manifest(self.root, model.source)
        if manifest.is_file() and (config := read_manifest(manifest).folder() / CONFIG).is_file():
            return json.loads(config.read_text())
        return entry.shape


def _nested(place: str, section: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield place, section
    for name, value in section.items():
        if isinstance(value, dict):
            yield from _nested(f"{place}.{name}" if place else name, cast("dict[str, Any]", value))


def _built(model: ConfigModel, vocabulary: int) -> Shape:
    """The shape of a model that `jz3.training.base.build` makes."""
    return {
        "model_type": "llama",
        "vocab_size": vocabulary,
        "hidden_size": model.hidden_size,
        "num_hidden_layers": model.layers,
        "num_attention_heads": model.heads,
        "num_key_value_heads": model.heads,
        "intermediate_size": model.mlp,
        "max_position_embeddings": model.max_positions,
        "tie_word_embeddings": True,
    }


def cache_numbers(shape: Shape) -> int:
    """Numbers per token in the cache of keys and values."""
    heads = int(shape["num_attention_heads"])
    width = int(shape.get("head_dim") or int(shape["hidden_size"]) // heads)
    key_heads = int(shape.get("num_key_value_heads") or heads)
    return 2 * int(shape["num_hidden_layers"]) * key_heads * width


def context_of(shape: Shape) -> int:
    """The model's context length in tokens."""
    return int(shape["max_position_embeddings"])
