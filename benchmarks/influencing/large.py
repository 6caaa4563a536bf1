"""The passes over a large model with random weights, on a device such as a GPU."""

# ruff: noqa: N806 (names of tensors end in their shape)

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.influencing.passes import pass_without
from jz3.influence.checkpoints import LoraLayer, Moments, Reference
from jz3.influence.directions import DIRECTIONS, AdamConstants
from jz3.influence.gradients import cut_batches
from jz3.influence.similarity import similarities, task_gradients
from jz3.lm.encode import EncodedRow


@dataclass(frozen=True)
class Shape:
    """A Llama, the rank of its adapter, and what goes through it."""

    hidden: int
    layers: int
    heads: int
    mlp: int
    vocabulary: int
    rank: int
    tokens: int
    rows: int
    at_once: int


ONE_B = Shape(
    hidden=2048, layers=16, heads=32, mlp=8192, vocabulary=32_000, rank=16, tokens=512, rows=256, at_once=32
)
"""The layers of Llama 3.2 1B, with a smaller vocabulary."""


def random_reference(shape: Shape, device: str) -> Reference:
    """As `open_checkpoint` returns it in bf16; the adapter is on all linears except the head."""
    torch.manual_seed(0)
    config = LlamaConfig(
        hidden_size=shape.hidden,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        intermediate_size=shape.mlp,
        vocab_size=shape.vocabulary,
        tie_word_embeddings=True,
    )
    with torch.device(device):
        model = LlamaForCausalLM(config).to(torch.bfloat16).requires_grad_(requires_grad=False).eval()
    layers: dict[str, LoraLayer] = {}
    moments: dict[tuple[str, str], Moments] = {}
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and name != "lm_head":
            outputs, inputs = module.weight.shape
            a_RI = torch.randn(shape.rank, inputs, device=device, dtype=torch.bfloat16) / inputs**0.5
            b_OR = torch.randn(outputs, shape.rank, device=device, dtype=torch.bfloat16) * 0.01
            layers[name] = LoraLayer(a_RI, b_OR, 2.0)
            for matrix, weight in (("A", a_RI), ("B", b_OR)):
                length = weight.numel()
                first_D, second_D = torch.randn(length, device=device), torch.rand(length, device=device)
                moments[name, matrix] = Moments(first_D * 1e-4, second_D * 1e-8)
    return Reference(model, layers, moments)


def on_device(shape: Shape, device: str) -> Iterator[tuple[str, float]]:
    """Wall time of the passes over random rows on a device, in bf16, Adam form, two tasks."""
    reference = random_reference(shape, device)
    generator = torch.Generator().manual_seed(1)
    tokens_BT = torch.randint(1, shape.vocabulary, (shape.rows, shape.tokens), generator=generator)
    rows = [
        EncodedRow(tokens, [-100] * (shape.tokens // 2) + tokens[shape.tokens // 2 :])
        for tokens in tokens_BT.tolist()
    ]
    places = shape.tokens * shape.at_once
    tasks = task_gradients(reference, {"one": rows[:2], "two": rows[2:4]}, places)
    constants = AdamConstants(0.9, 0.999, 1e-8)

    def without(batch: Sequence[EncodedRow]) -> None:
        pass_without(reference.model, batch)

    def scored(batch: Sequence[EncodedRow]) -> None:
        similarities(reference, tasks, DIRECTIONS["adam"], constants, batch)

    def seconds(work: Callable[[Sequence[EncodedRow]], None], batch: Sequence[EncodedRow]) -> float:
        started = time.perf_counter()
        work(batch)
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - started

    batches = cut_batches(rows, places)
    for work in (without, scored):
        seconds(work, batches[0])
    both = [(seconds(without, batch), seconds(scored, batch)) for batch in batches]
    whole = sum(with_scores for _, with_scores in both)
    weights = sum(weight.numel() for weight in reference.model.parameters())
    yield "gpu_weights", weights
    yield "gpu_examples_per_second", round(shape.rows / whole, 2)
    yield "gpu_share_not_forward_backward", round(1 - sum(alone for alone, _ in both) / whole, 3)
    passes = 100_000 * 4 * (7e9 / weights)
    yield "gpu_hours_7b", round(passes * whole / shape.rows / 3600, 1)
