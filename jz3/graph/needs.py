"""What each stage needs of a machine: GPUs, cores, or neither."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from jz3.core.execution import Execution
from jz3.core.graph_file import Stage

Kind = Literal["training", "gradients", "generation", "programs", "rows"]

ENCODING = ("skills", "value")
"""Stages whose `encoder`, if it is a fetched model, runs on the first GPU."""
KINDS: Mapping[str, Kind] = {
    "finetune": "training",
    "pretrain": "training",
    "warmup": "training",
    "attribute": "gradients",
    "sketch": "gradients",
    "rds": "gradients",
    "synthesize": "generation",
    "answer": "generation",
    "probe": "generation",
    "execute": "programs",
}
"""Stages that do more than read and write rows. `base` copies a fetched model; if it trains one from a
config, the first training is small and runs on a CPU as well.
"""


@dataclass(frozen=True)
class Needs:
    """What a stage needs on each of `nodes` machines."""

    kind: Kind
    nodes: int
    gpus: int
    cores: int


def needs_of(stage: Stage, sections: Mapping[str, Any], execution: Execution) -> Needs:
    """What a stage needs under its parameters and execution settings."""
    kind = KINDS.get(stage.base, "rows")
    section = _section(stage, sections)
    if stage.base == "solve" and section["solver"]["kind"] == "model":
        kind, section = "generation", section["solver"]
    of_a_machine = execution.ranks // execution.nodes
    on_gpu = execution.device == "cuda"
    if kind == "training":
        gpus = of_a_machine if on_gpu else 0
        return Needs(kind, execution.nodes, gpus, execution.threads * of_a_machine)
    if kind == "generation" and section["engine"] == "openai":
        return Needs(kind, 1, 0, execution.threads)  # its servers run elsewhere
    if kind in ("generation", "gradients"):
        # `auto` takes all that a machine has: as much as a training asks for.
        workers = execution.workers
        count = max(1, of_a_machine // max(1, execution.worker_gpus)) if workers == "auto" else workers
        gpus = count * execution.worker_gpus if on_gpu else 0
        return Needs(kind, 1, gpus, execution.threads * count)
    cores = execution.sandbox_workers if kind == "programs" else execution.threads
    encodes = stage.base in ENCODING and section.get("encoder", {}).get("kind") == "fetched"
    return Needs(kind, 1, int(encodes and on_gpu), cores)


def _section(stage: Stage, sections: Mapping[str, Any]) -> Any:  # noqa: ANN401 (as YAML gives it)
    values: Any = sections
    for part in stage.section.split("."):
        values = values.get(part, {})
    return values
