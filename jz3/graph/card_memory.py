"""How much memory of a card a training takes, counted before it runs: jz3's own step on fake tensors.

The model is built from its config without a weight, and one piece of a step goes through it, forward and
backward, under the attention, the autocast and the checkpointing of a training; then the optimizer steps.
Every storage that is alive is added up. Every token is taken to bear loss, which is the most that it can be.
Not in it: what CUDA keeps for itself and what lies unused between blocks of its allocator (about a
gigabyte). Costs some ten seconds a shape, once: counts are kept in the user's cache.
"""

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from jz3.core.cache import cache_root
from jz3.core.hashing import canonical_json, content_id
from jz3.lm.model import libraries
from jz3.lm.plan import OptimizerParams
from jz3.training.methods import Lora, Method, Pissa

GIB = 2**30
COUNTS = "memory"
"""Folder in the user's cache."""
BUCKET = 500_000_000
"""Gradients that DeepSpeed reduces at once (`reduce_bucket_size`, its default), in float32."""
LIVE = 1_000_000_000
"""Weights that ZeRO-3 holds gathered at once (`stage3_max_live_parameters`, its default), in float32."""


class Counted(BaseModel):
    """Bytes in one process that trains alone."""

    weights: int
    gradients: int
    optimizer: int
    activations: int
    """The most that is alive beside the others, casts of weights and logits among it."""


@dataclass(frozen=True)
class Piece:
    """What goes through the model at once."""

    blocks: int
    block_length: int
    checkpointing: bool


@dataclass(frozen=True)
class Sharing:
    """How ranks share a training out. `zero` is None where each rank has the whole model."""

    ranks: int
    zero: Literal[1, 2, 3] | None


def count(config: Mapping[str, Any], method: Method, optimizer: OptimizerParams, piece: Piece) -> Counted:
    """Of a model whose `config` is as in its config.json."""
    asked = {
        "config": dict(config),
        "method": method.model_dump(),
        "optimizer": optimizer.model_dump(),
        "piece": vars(piece),
        "libraries": libraries(),
    }
    file = cache_root() / COUNTS / f"{content_id(canonical_json(asked))}.json"
    if file.is_file():
        return Counted.model_validate_json(file.read_text())
    counted = _count(config, method, optimizer, piece)
    _keep(file, counted)
    return counted


def on_a_card(counted: Counted, sharing: Sharing) -> Counted:
    """Bytes on each card of a training that is shared out (ZeRO, arXiv 1910.02054), with DeepSpeed's buffers.

    The optimizer of DeepSpeed steps on a float32 copy of its share of the weights.
    """
    ranks, zero = sharing.ranks, sharing.zero
    if ranks == 1 or zero is None:
        return counted
    share = -(-counted.weights // ranks)
    gathered = min(counted.weights, 4 * LIVE) if zero == 3 else 0
    return Counted(
        weights=share if zero == 3 else counted.weights,
        gradients=-(-counted.gradients // ranks) if zero >= 2 else counted.gradients,
        optimizer=-(-counted.optimizer // ranks) + share,
        activations=counted.activations + gathered + min(counted.gradients, 4 * BUCKET),
    )


def total_gib(counted: Counted) -> float:
    return (counted.weights + counted.gradients + counted.optimizer + counted.activations) / GIB


def shown(counted: Counted) -> str:
    """`34.1 GiB (weights 6.4, gradients 6.4, optimizer 12.8, activations 8.6)`"""
    parts = ", ".join(f"{name} {size / GIB:.1f}" for name, size in counted.model_dump().items())
    return f"{total_gib(counted):.1f} GiB ({parts})"


def _keep(file: Path, counted: Counted) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.part")
    part.write_text(counted.model_dump_json())
    part.replace(file)


def _count(config: Mapping[str, Any], method: Method, optimizer: OptimizerParams, piece: Piece) -> Counted:
    import torch
    from torch._subclasses.fake_tensor import FakeTensorMode
    from transformers import AutoConfig, AutoModelForCausalLM

    from jz3.lm.document_attention import by_documents
    from jz3.lm.labelled_places import LabelledPlaces
    from jz3.lm.model import cache
    from jz3.lm.optimizer import make_optimizer
    from jz3.training.methods import adapted

    named = AutoConfig.for_model(**config)
    tokens = piece.blocks * piece.block_length
    with torch.device("meta"):  # adapters cannot be added to fake tensors
        plain = AutoModelForCausalLM.from_config(named, dtype=torch.float32)
        plain.train()
        model = adapted(plain, _as_shaped(method), 0)
    with FakeTensorMode(allow_non_fake_inputs=True):
        _on_cpu(model)
        if piece.checkpointing:
            model.enable_input_require_grads()
            model.activation_checkpointing_enable({"use_reentrant": False})
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        for weight in trained:  # from the second piece of a step on, they are there before the first layer
            weight.grad = torch.zeros_like(weight)
        row = torch.zeros(1, tokens, dtype=torch.long)
        labels = torch.zeros(tokens, dtype=torch.long)
        alive = _alive()
        with cache(model, on=False), by_documents(model), LabelledPlaces(model) as places, alive:
            places.indices = labels
            with torch.autocast("cpu", torch.bfloat16, enabled=optimizer.precision == "bf16"):
                lengths = [piece.block_length] * piece.blocks
                logits = model(input_ids=row, position_ids=row, document_lengths=lengths).logits
                loss = torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
            loss.backward()
        stepping = make_optimizer(model, optimizer)
        stepping.step()
        states = [value for state in stepping.state.values() for value in state.values()]
        return Counted(
            weights=sum(_size(weight) for weight in model.parameters()),
            gradients=sum(_size(weight) for weight in trained),
            optimizer=sum(_size(value) for value in states if isinstance(value, torch.Tensor)),
            activations=alive.peak,
        )


def _as_shaped(method: Method) -> Method:
    """PiSSA is LoRA that starts elsewhere, at numbers which a model without any has not."""
    if not isinstance(method, Pissa):
        return method
    return Lora(kind="lora", rank=method.rank, alpha=method.rank, dropout=0.0, targets=method.targets)


def _on_cpu(model: Any) -> None:  # noqa: ANN401 (a torch module)
    """New tensors in place of those without a device; what is shared stays shared."""
    import torch

    made: dict[int, Any] = {}
    for module in model.modules():
        for name, weight in module._parameters.items():
            if weight is not None:
                empty = made.get(id(weight))
                if empty is None:
                    empty = torch.empty(weight.shape, dtype=weight.dtype)
                    empty = made[id(weight)] = torch.nn.Parameter(empty, weight.requires_grad)
                module._parameters[name] = empty
        for name, buffer in module._buffers.items():
            if buffer is not None:
                module._buffers[name] = torch.empty(buffer.shape, dtype=buffer.dtype)


def _size(tensor: Any) -> int:  # noqa: ANN401 (a torch.Tensor: torch is imported where it is needed)
    return tensor.numel() * tensor.element_size()


def _alive() -> Any:  # noqa: ANN401 (a class of its own: torch is imported where it is needed)
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_iter

    class Alive(TorchDispatchMode):
        """Bytes of all storages that operations made while it is on and that something still holds."""

        def __init__(self) -> None:
            super().__init__()
            self.sizes: dict[int, int] = {}
            self.now = self.peak = 0

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # noqa: ANN401
            out = func(*args, **(kwargs or {}))
            for value in tree_iter(out):
                if hasattr(value, "untyped_storage"):
                    self._note(value.untyped_storage())
            return out

        def _note(self, storage: Any) -> None:  # noqa: ANN401
            key = storage._cdata
            if key not in self.sizes:
                self.sizes[key] = storage.nbytes()
                self.now += self.sizes[key]
                self.peak = max(self.peak, self.now)
                weakref.finalize(storage, self._gone, key)

        def _gone(self, key: int) -> None:
            self.now -= self.sizes.pop(key, 0)

    return Alive()
