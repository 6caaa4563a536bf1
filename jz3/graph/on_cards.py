"""The memory that each GPU stage takes on a card, under a profile's parameters and execution settings.

Trainings and `attribute` are counted (`jz3.graph.card_memory`); for an engine, weights and caches are
multiplied out. The largest input of a pass is assumed: full blocks in which every token counts for the loss.
Takes two to ten seconds for each shape that was not counted before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jz3.core.execution import Execution
from jz3.core.graph_file import Stage
from jz3.graph.card_memory import (
    GIB,
    RESERVED,
    Gradients,
    Need,
    Piece,
    Sharding,
    StepMemory,
    held_out_memory,
    in_a_pass,
    on_each_card,
    parameters_of,
    pass_memory,
    step_memory,
)
from jz3.graph.needs import KINDS
from jz3.graph.setting import Setting, Shape, cache_numbers, context_of
from jz3.influence.warmup_training import WarmupParams
from jz3.lm.plan import OptimizerParams
from jz3.lm.ranks import trains_alone
from jz3.training.finetune import FinetuneParams
from jz3.training.methods import Full, Lora, Method
from jz3.training.pretrain import PretrainParams

WEIGHT_BYTES = {"float32": 4, "bfloat16": 2, "saved": 2, "fp8": 1, "fp8_cache": 2, "fp8_all": 1}
CACHE_BYTES = {"float32": 4, "bfloat16": 2, "saved": 2, "fp8": 2, "fp8_cache": 1, "fp8_all": 1}
"""Bytes of a number by `dtype`; most models of the hub are saved in bfloat16."""
WORKING = 2 * GIB
"""Bytes that vLLM needs beside weights and caches: activations of 8,192 tokens, logits of some hundred rows
(chosen).
"""

MOST_APART = 8
"""Layers from one that computes again to the next, at most, in what is suggested (chosen)."""


@dataclass(frozen=True)
class OnCard:
    """What a stage takes on each card; None if the shape of its model is not known before it is fetched."""

    need: Need | None
    note: str | None = None
    host_gib: float = 0.0
    """Of a training: the whole models in float32 that its processes read into the memory of a machine."""

    def gib(self) -> float:
        """On each card; 0 if it is not known."""
        return self.need.gib if self.need else 0.0


def on_card(setting: Setting, stage: Stage) -> OnCard | None:
    """What a stage takes; None if it needs no card of this machine."""
    kind = KINDS.get(stage.base, "rows")
    if setting.execution.device != "cuda":
        return None
    if kind == "training":
        return _training(setting, stage)
    if kind == "gradients":
        return OnCard(_gradients(setting, stage))
    if kind == "generation":
        return _generation(setting, stage, setting.section(stage))
    if stage.base == "solve" and (solver := setting.section(stage)["solver"])["kind"] == "model":
        return _generation(setting, stage, solver)
    return None


def _training(setting: Setting, stage: Stage) -> OnCard:
    shape, section = setting.shape(stage.path("base")), setting.section(stage)
    if shape is None:
        return OnCard(None)
    execution = setting.execution
    if stage.base == "finetune":
        params = FinetuneParams.model_validate(section)
        return _whole(setting, stage, shape, params, params.block_length).on_card(setting)
    if stage.base == "pretrain":
        params = PretrainParams.model_validate(section)
        length = int(setting.sections["pack"]["block_length"])
        return _with_held_out(setting, _whole(setting, stage, shape, params, length))
    params = WarmupParams.model_validate(section)
    adapter = Lora(kind="lora", **params.adapter.model_dump())
    length = params.block_length
    # Of an adapter each rank has the whole model.
    parts = [_Trained(stage.base, shape, adapter, params.optimizer, length, "none")]
    if params.pretrain is not None:
        full, optimizer = Full(kind="full"), params.pretrain.optimizer
        divided = "none" if execution.ranks == 1 else execution.sharding
        parts.append(_Trained(stage.base, shape, full, optimizer, length, divided))
    return max((part.on_card(setting) for part in parts), key=OnCard.gib)


def _whole(
    setting: Setting, stage: Stage, shape: Shape, params: FinetuneParams | PretrainParams, length: int
) -> "_Trained":
    execution, method, optimizer = setting.execution, params.method, params.optimizer
    alone = trains_alone(execution, optimizer, all_weights=isinstance(method, Full))
    return _Trained(stage.base, shape, method, optimizer, length, "none" if alone else execution.sharding)


@dataclass(frozen=True)
class _Trained:
    """What a training takes its memory for."""

    stage: str
    shape: Shape
    method: Method
    optimizer: OptimizerParams
    length: int
    """Tokens of a block."""
    sharding: Sharding
    """`none` if the stage's own process trains."""

    def on_card(self, setting: Setting) -> OnCard:
        execution, card = setting.execution, setting.execution.planning.card_gib
        recomputed = execution.recomputed(self.stage)
        step, need = self._counted(execution, recomputed)
        # FSDP2 reads a shard a rank, everything else the whole model, before it goes to the card. Once the
        # ranks have ended, the stage's own process has one, too.
        ranks = 1 if self.sharding == "fsdp" else execution.ranks // execution.nodes
        host_gib = ranks * 4 * step.parameters / GIB
        notes: list[str] = []
        if ranks > 1:
            notes.append(f"{ranks} ranks read {host_gib:.0f} GiB of weights into the memory of each machine")
        if recomputed and card is not None and (less := self._with_less(execution, recomputed, card)):
            notes.append(less)
        return OnCard(need, "; ".join(notes) or None, host_gib)

    def _with_less(self, execution: Execution, recomputed: int, card: float) -> str | None:
        """What the card has room for with fewer layers that compute their activations again."""
        most = self._counted(execution, 0)[1].gib
        if most <= card:
            return f"without gradient_checkpointing, which costs a third more time, {most:.1f}"
        least = self._counted(execution, 1)[1].gib
        for every in range(MOST_APART, recomputed, -1):
            if most - (most - least) / every > card:  # nearly: a count takes seconds
                continue
            found = self._counted(execution, every)[1].gib
            if found <= card:
                named = f"gradient_checkpointing: {{{self.stage}: {every}}}"
                return f"with `{named}`, which computes one in {every} layers again, {found:.1f}"
        return None

    def piece(self, execution: Execution, recomputed: int, *, bf16_weights: bool) -> Piece:
        return Piece(execution.training_batch, self.length, recomputed, bf16_weights)

    def _counted(self, execution: Execution, recomputed: int) -> tuple[StepMemory, Need]:
        bf16 = self.optimizer.precision == "bf16"
        gathered = self.sharding == "fsdp" and bf16
        piece = self.piece(execution, recomputed, bf16_weights=gathered)
        step = step_memory(self.shape, self.method, self.optimizer, piece)
        # Under its autocast DeepSpeed exchanges gradients of linears in bfloat16, of which LoRA consists.
        exchanged = (
            {"full": (2, 4), "lora": (2,), "pissa": (2,)}.get(self.method.kind, (4,)) if bf16 else (4,)
        )
        return step, on_each_card(step, execution, self.sharding, exchanged)


def _with_held_out(setting: Setting, trained: _Trained) -> OnCard:
    """The larger of a training and of the losses on held-out rows, which its stage takes afterwards in its
    own process, of the whole model, on the first card.
    """
    training = trained.on_card(setting)
    piece = trained.piece(setting.execution, 0, bf16_weights=False)
    after = in_a_pass(held_out_memory(trained.shape, trained.optimizer.precision, piece))
    if training.gib() >= after.gib:
        return training
    note = f"that is for the held-out loss, on the first card; training takes {training.gib():.1f}"
    return OnCard(after, "; ".join(filter(None, (note, training.note))), training.host_gib)


def _gradients(setting: Setting, stage: Stage) -> Need | None:
    checkpoints, section = stage.path("checkpoints"), setting.section(stage)
    warmup, shape = setting.graph.writer(checkpoints), setting.shape(checkpoints)
    if warmup is None or shape is None:
        return None
    gradients = Gradients(
        setting.execution.training_batch,
        section["max_tokens"],
        len(setting.sections["tasks"]["targets"]) if stage.base == "attribute" else 1,
        section["direction"],
        section["precision"],
    )
    adapter = WarmupParams.model_validate(setting.section(warmup)).adapter
    return in_a_pass(pass_memory(shape, adapter, gradients))


def _generation(setting: Setting, stage: Stage, section: Mapping[str, Any]) -> OnCard | None:
    """The least that an engine needs; for its cache a server takes as much as `vllm_memory` says."""
    execution = setting.execution
    if section["engine"] == "openai":
        return None
    shape = setting.shape(stage.path("model"))
    if shape is None:
        return OnCard(None)
    dtype, gpus = section["dtype"], max(1, execution.worker_gpus)
    weights = parameters_of(shape) * WEIGHT_BYTES[dtype] // gpus
    of_a_token = cache_numbers(shape) * CACHE_BYTES[dtype] // gpus
    rows = 1 if section["engine"] == "vllm" else execution.generation_batch
    cache = rows * context_of(shape) * of_a_token
    need = Need({"weights": weights, "cache": cache, "working": WORKING, "CUDA": RESERVED})
    card = execution.planning.card_gib
    if section["engine"] != "vllm" or card is None:
        return OnCard(need)
    room = int(execution.vllm_memory * card * GIB) - weights - WORKING
    return OnCard(
        need,
        f"that is the least, one row of the whole context; a server takes {execution.vllm_memory:g} of the "
        f"card, and its cache then holds {max(0, room // of_a_token):,} tokens",
    )


def told(found: OnCard, card_gib: float | None) -> str:
    """The plan's line on a stage's memory."""
    if found.need is None:
        return "its memory on a card is known once its model is fetched (`jz3 fetch --only model`)"
    of = "" if card_gib is None else f" of {card_gib:g}"
    text = f"{found.need.gib:.1f}{of} GiB on each card: {found.need}"
    if card_gib is not None and found.need.gib > card_gib:
        text = f"DOES NOT FIT: {text}. {REMEDY}"
    return f"{text}; {found.note}" if found.note else text


REMEDY = (
    "Lower training_batch, share the weights out over more ranks, train an adapter (`method`), or take "
    "larger cards (docs/gpu.md has a table)"
)
