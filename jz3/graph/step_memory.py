"""Memory of a step of a training, and of a pass of the held-out loss or `attribute`, counted on fake tensors.

It runs the stages' own code: model and adapter, attention by documents, logits at labelled places, autocast,
checkpointing, AdamW; hooks, directions and targets of `attribute`. A model of 7 billion weights is built from
its config without allocating any of them. Importing this module takes seconds, a count two to ten.
"""

import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedModel

from jz3.graph.alive import Alive
from jz3.graph.memory_counts import Gradients, HeldOutMemory, PassMemory, Piece, StepMemory
from jz3.influence.checkpoints import LoraLayer, Moments, Reference
from jz3.influence.directions import DIRECTIONS, AdamConstants
from jz3.influence.gradients import PaddedBatch, backward_batch
from jz3.influence.similarity import TaskGradients, comparing
from jz3.lm.document_attention import by_documents
from jz3.lm.held_out import measuring
from jz3.lm.labelled_places import CrossEntropy, LabelledPlaces, cross_entropy, summed_loss
from jz3.lm.lora import LoraParams
from jz3.lm.model import cache
from jz3.lm.optimizer import make_optimizer
from jz3.lm.plan import OptimizerParams
from jz3.training.methods import Lora, Method, Pissa, adapted


@dataclass(frozen=True)
class FakeStep:
    """A piece of a step, ready to run on shapes without numbers."""

    model: PreTrainedModel
    trained: list[torch.nn.Parameter]
    run: Callable[[], None]
    """Forward and backward."""


@contextmanager
def fake_step(
    config: Mapping[str, Any],
    method: Method,
    optimizer: OptimizerParams,
    piece: Piece,
    cross_entropy: CrossEntropy = cross_entropy,
) -> Generator[FakeStep]:
    """While open, tensors are shapes. Gradients exist: pieces after the first of a step add to them."""
    computed = torch.bfloat16 if piece.bf16_weights else torch.float32
    model = _without_weights(config, method, computed)
    model.train()
    with FakeTensorMode(allow_non_fake_inputs=True):
        _on_cpu(model)
        if piece.recomputed:
            model.activation_checkpointing_enable({"use_reentrant": False}, every_n_layers=piece.recomputed)
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        for weight in trained:
            weight.grad = torch.zeros_like(weight)
        row, documents = torch.zeros(1, piece.tokens, dtype=torch.long), [piece.block_length] * piece.blocks
        labelled = torch.zeros(piece.tokens, dtype=torch.long)  # every token: the largest case
        autocast = optimizer.precision == "bf16" and not piece.bf16_weights
        with cache(model, on=False), by_documents(model, piece.device), LabelledPlaces(model) as places:
            places.indices = labelled

            def run() -> None:
                with torch.autocast("cpu", torch.bfloat16) if autocast else nullcontext():
                    loss = summed_loss(model, row, row, documents, labelled, cross_entropy)
                loss.backward()

            yield FakeStep(model, trained, run)


def count_step(
    config: Mapping[str, Any], method: Method, optimizer: OptimizerParams, piece: Piece
) -> StepMemory:
    """Count one piece of a step, forward and backward, and the step of the optimizer."""
    with fake_step(config, method, optimizer, piece) as step:
        model, alive = step.model, Alive()
        weights = alive.hold([*model.parameters(), *model.buffers()])
        gradients = alive.hold(weight.grad for weight in step.trained if weight.grad is not None)
        with alive:
            step.run()
        passed, before = alive.peak - weights - gradients, alive.now
        stepping = make_optimizer(model, optimizer)
        with alive:
            stepping.step()
        states = alive.now - before
        layers, ends = _groups(model)
        return StepMemory(
            weights=weights,
            gradients=gradients,
            optimizer=states,
            # During the step of the optimizer activations are gone: the larger of the two moments counts.
            activations=max(passed, alive.peak - weights - gradients - states),
            parameters=sum(weight.numel() for weight in model.parameters()),
            largest_layer=max(layers),
            outside_layers=ends,
        )


def count_pass(config: Mapping[str, Any], adapter: LoraParams, gradients: Gradients) -> PassMemory:
    """Count one batch of `attribute`: rows of equal length, every token with a label."""
    dtype = torch.bfloat16 if gradients.precision == "bf16" else torch.float32
    plain = _without_weights(config, None, dtype)
    plain.eval().requires_grad_(requires_grad=False)
    with FakeTensorMode(allow_non_fake_inputs=True):
        _on_cpu(plain)
        alive = Alive()
        weights = alive.hold([*plain.parameters(), *plain.buffers()])
        layers: dict[str, LoraLayer] = {}
        moments: dict[tuple[str, str], Moments] = {}
        targets: dict[tuple[str, str], torch.Tensor] = {}
        for name, module in plain.named_modules():
            if not isinstance(module, torch.nn.Linear) or name.split(".")[-1] not in adapter.targets:
                continue
            a = torch.zeros(adapter.rank, module.in_features, dtype=dtype)
            b = torch.zeros(module.out_features, adapter.rank, dtype=dtype)
            layers[name] = LoraLayer(a, b, 1.0)
            for matrix, weight in (("A", a), ("B", b)):
                empty = torch.zeros(weight.numel())
                moments[name, matrix] = Moments(empty, torch.zeros_like(empty))
                targets[name, matrix] = torch.zeros(gradients.tasks, weight.numel())
        weights += alive.hold(weight for layer in layers.values() for weight in (layer.a_RI, layer.b_OR))
        held = alive.hold(part for one in moments.values() for part in (one.first_D, one.second_D))
        compared = alive.hold(targets.values())
        tasks = TaskGradients(tuple(map(str, range(gradients.tasks))), targets)
        rows = gradients.rows
        batch = PaddedBatch(
            torch.zeros(rows, gradients.tokens, dtype=torch.long),
            torch.zeros(rows * gradients.tokens, dtype=torch.long),
            torch.zeros(rows * gradients.tokens, dtype=torch.long),
            torch.ones(rows, dtype=torch.long),
        )
        products, squares = torch.zeros(rows, gradients.tasks), torch.zeros(rows)
        take = comparing(
            Reference(plain, layers, moments),
            tasks,
            DIRECTIONS[gradients.direction],
            AdamConstants(0.9, 0.999, 1e-8),
            products,
            squares,
        )
        with alive:
            backward_batch(plain, layers, batch, take)
        # The gradients of tasks are summed up one by one, then stacked: for a moment they are there twice.
        passed = alive.peak - weights - held - compared
        return PassMemory(weights=weights, moments=held, targets=compared, activations=max(passed, compared))


def count_held_out(config: Mapping[str, Any], precision: str, tokens: Sequence[int]) -> HeldOutMemory:
    """Count a pass of the held-out loss over documents of such lengths, every token with a label; weights are
    in float32, as those of the base.
    """
    plain = _without_weights(config, None, torch.float32)
    with FakeTensorMode(allow_non_fake_inputs=True):
        _on_cpu(plain)
        alive = Alive()
        weights = alive.hold([*plain.parameters(), *plain.buffers()])
        row, labelled = (torch.zeros(shape, dtype=torch.long) for shape in ((1, sum(tokens)), sum(tokens)))
        with alive, measuring(plain, precision, "cpu") as places:
            places.indices = labelled
            summed_loss(plain, row, row, list(tokens), labelled)
        return HeldOutMemory(weights=weights, activations=alive.peak - weights)


def count_parameters(config: Mapping[str, Any]) -> int:
    """Count each weight once, even if two modules share it."""
    return sum(weight.numel() for weight in _without_weights(config, None, torch.float32).parameters())


def _without_weights(config: Mapping[str, Any], method: Method | None, dtype: torch.dtype) -> PreTrainedModel:
    """The model on the meta device, because adapters cannot be added to fake tensors."""
    named = AutoConfig.for_model(**config)
    with torch.device("meta"), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft uses an old name of transformers
        plain = AutoModelForCausalLM.from_config(named, dtype=dtype)
        return plain if method is None else adapted(plain, _as_shaped(method), 0)


def _as_shaped(method: Method) -> Method:
    """Count PiSSA as LoRA: it differs only in its initial values, which need real weights."""
    if not isinstance(method, Pissa):
        return method
    return Lora(kind="lora", rank=method.rank, alpha=method.rank, dropout=0.0, targets=method.targets)


def _on_cpu(model: torch.nn.Module) -> None:
    """Replace tensors on the meta device by new ones; shared tensors stay shared."""
    # Not with `setattr`, which modules may intercept.
    made: dict[int, torch.nn.Parameter] = {}
    for module in model.modules():
        weights, buffers = module._parameters, module._buffers  # pyright: ignore[reportPrivateUsage]
        for name, weight in weights.items():
            if weight is not None and id(weight) not in made:
                empty = torch.empty(weight.shape, dtype=weight.dtype)
                made[id(weight)] = torch.nn.Parameter(empty, weight.requires_grad)
            weights[name] = None if weight is None else made[id(weight)]
        for name, buffer in buffers.items():
            buffers[name] = None if buffer is None else torch.empty(buffer.shape, dtype=buffer.dtype)


def _groups(model: PreTrainedModel) -> tuple[list[int], int]:
    """Numbers of weights: of each layer, and of everything outside layers (embeddings, head, last norm)."""
    kinds = set[str](getattr(model, "_no_split_modules", None) or ())
    layers = [
        sum(weight.numel() for weight in module.parameters())
        for module in model.modules()
        if type(module).__name__ in kinds
    ]
    return layers or [0], sum(weight.numel() for weight in model.parameters()) - sum(layers)
