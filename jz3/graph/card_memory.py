"""How much GPU memory a stage takes: counted before it runs (`jz3.graph.step_memory`), divided among ranks.

The share of each rank is derived from the count by arithmetic: FSDP2, or ZeRO (arXiv 1910.02054) with
DeepSpeed's buffers. RESERVED stands for what is not counted: CUDA's own memory and unused gaps between the
blocks of its allocator. Counts are kept in the user's cache, keyed by everything that they depend on.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar

from pydantic import BaseModel

from jz3.core.cache import cache_root
from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json, content_id
from jz3.graph.memory_counts import Gradients, HeldOutMemory, ModelSize, PassMemory, Piece, StepMemory
from jz3.lm.lora import LoraParams
from jz3.lm.model import libraries
from jz3.lm.plan import OptimizerParams
from jz3.training.methods import Method

Sharding = Literal["none", "fsdp", "zero1", "zero2", "zero3"]

GIB = 2**30
COUNTS = "memory"
"""The folder of counts in the user's cache."""
VERSION = 1
"""The version of the counting: another version may give other figures for the same shape."""
RESERVED = GIB
"""CUDA's context with its libraries is some 0.5 GiB; the rest is room for fragments (chosen)."""
BUCKET = 500_000_000
"""Gradients that DeepSpeed exchanges at once (`reduce_bucket_size`, its default). It keeps room for as many,
however few the model has.
"""
LIVE = 1_000_000_000
"""Weights that ZeRO-3 holds gathered at once (`stage3_max_live_parameters`, its default), in float32."""


@dataclass(frozen=True)
class Need:
    """Bytes on each card, by purpose, including RESERVED."""

    parts: Mapping[str, int]

    @property
    def gib(self) -> float:
        return sum(self.parts.values()) / GIB

    def __str__(self) -> str:
        """`weights 6.4, gradients 6.4, optimizer 12.8, activations 8.6, CUDA 1.0`, in GiB."""
        return ", ".join(f"{name} {size / GIB:.1f}" for name, size in self.parts.items())


def parameters_of(config: Mapping[str, Any]) -> int:
    """The number of weights of a model with this config.json."""

    def count() -> ModelSize:
        from jz3.graph.step_memory import count_parameters

        return ModelSize(parameters=count_parameters(config))

    return _kept(ModelSize, {"config": dict(config)}, count).parameters


def step_memory(
    config: Mapping[str, Any], method: Method, optimizer: OptimizerParams, piece: Piece
) -> StepMemory:
    """The memory of a training step of a model with this config.json; counted once for each shape."""

    def count() -> StepMemory:
        from jz3.graph.step_memory import count_step

        return count_step(config, method, optimizer, piece)

    # Of the optimizer nothing else decides a size.
    steps = {"precision": optimizer.precision, "muon": optimizer.muon is not None}
    asked = {"method": method.model_dump(), "optimizer": steps, "piece": asdict(piece)}
    return _kept(StepMemory, {"config": dict(config), **asked}, count)


def pass_memory(config: Mapping[str, Any], adapter: LoraParams, gradients: Gradients) -> PassMemory:
    """The memory of a pass of a reference model with such an adapter; counted once for each shape."""

    def count() -> PassMemory:
        from jz3.graph.step_memory import count_pass

        return count_pass(config, adapter, gradients)

    asked = {"adapter": adapter.model_dump(), "gradients": asdict(gradients)}
    return _kept(PassMemory, {"config": dict(config), **asked}, count)


def held_out_memory(config: Mapping[str, Any], precision: str, piece: Piece) -> HeldOutMemory:
    """The memory of a pass of the held-out loss over such a piece; counted once for each shape."""
    tokens = [piece.block_length] * piece.blocks

    def count() -> HeldOutMemory:
        from jz3.graph.step_memory import count_held_out

        return count_held_out(config, precision, tokens)

    asked = {"config": dict(config), "precision": precision, "tokens": tokens}
    return _kept(HeldOutMemory, asked, count)


def on_each_card(
    step: StepMemory, execution: Execution, sharding: Sharding, exchanged: Sequence[int]
) -> Need:
    """The memory of a training on each card, given the ranks and sharding of `execution`.

    DeepSpeed's optimizer works on a float32 copy of each rank's share of the weights. `exchanged` are the
    bytes of the number formats in which DeepSpeed exchanges gradients, each with a bucket of its own.
    """
    ranks = execution.ranks
    weights, gradients, optimizer = step.weights, step.gradients, step.optimizer
    activations = step.activations
    if ranks > 1 and sharding == "none":
        activations += gradients  # buckets of DistributedDataParallel
    elif sharding == "fsdp":
        weights, gradients, optimizer = _fsdp_shares(step, ranks // execution.nodes)
        activations += _gathered(step)
    elif ranks > 1:
        share, stage = -(-gradients // ranks), int(sharding.removeprefix("zero"))
        # A bucket is in the format in which it is exchanged, below stage 3 in that of the weights; while one
        # is exchanged, its gradients are there twice.
        activations += BUCKET * (sum(exchanged) if stage == 3 else 4 * len(exchanged))
        activations += min(gradients, 4 * BUCKET) + (min(weights, 4 * LIVE) if stage == 3 else 0)
        optimizer = -(-optimizer // ranks) + share
        weights = -(-weights // ranks) if stage == 3 else weights
        gradients = share if stage >= 2 else gradients
    parts = {"weights": weights, "gradients": gradients, "optimizer": optimizer, "activations": activations}
    return Need({**parts, "CUDA": RESERVED})


def _fsdp_shares(step: StepMemory, shards: int) -> tuple[int, int, int]:
    """Bytes of weights, gradients and optimizer of one shard, all in float32."""
    numbers = step.parameters
    return tuple(-(-size * numbers // shards) for size in (4, 4, 8))  # pyright: ignore[reportReturnType]


def _gathered(step: StepMemory) -> int:
    """What FSDP2 has whole for a while: the layer that computes and the next one, and what is outside layers
    (kept from forward to backward), each in the format that it computes in; the gradients of a layer, and
    their copy in float32, while they are reduced, of two layers one after the other.
    """
    size = step.weights // step.parameters
    return step.largest_layer * 2 * (size + size + 4) + step.outside_layers * (size + size + 4)


def in_a_pass(counted: PassMemory | HeldOutMemory) -> Need:
    return Need({**counted.model_dump(), "CUDA": RESERVED})


Counted = TypeVar("Counted", bound=BaseModel)


def _kept(kind: type[Counted], asked: Mapping[str, Any], count: Callable[[], Counted]) -> Counted:
    """The count kept from an earlier run, or a new one."""
    fields = [kind.__name__, *kind.model_fields]
    identity = {"version": VERSION, "fields": fields, "libraries": libraries(), **asked}
    file = cache_root() / COUNTS / f"{content_id(canonical_json(identity))}.json"
    if file.is_file():
        return kind.model_validate_json(file.read_text())
    counted = count()
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_text(counted.model_dump_json())
    part.replace(file)
    return counted
