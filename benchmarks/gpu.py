"""What a training step demands of a card, counted without one, and the share of its peak that follows.

    python benchmarks/gpu.py [--quick]

The stage's own step (`jz3.graph.step_memory` says which code that is) runs on shapes without numbers, and
every operation that torch dispatches is counted: its floating-point operations, the bytes that it reads and
writes, its kernel. An H100 SXM then takes for each the longest of the three, at the rates below; what FSDP2
casts and copies on a card is added, and what it exchanges between eight cards of a machine runs beside that:
a piece takes the longer of the two. Fused kernels, which are no operations of torch, have stand-ins with the
same traffic (`benchmarks/counting/fused.py`).

None of that is measured: the rates are public figures, or chosen where it says so, and `mfu` follows from
them. It counts 6 operations a weight and token, none for attention or for computing again, over 989 TFLOPS.

What the stage itself costs beside servers is measured on this machine's CPU: rows of the paper's length go
through the engine `openai` into the row store, from a server on loopback that answers at once.
`requests_per_core_second` counts the core seconds of the stage, without those of the server; 500 are asked
for, since eight H100 that write 12,500 tokens a second each return 115 rows of 875 tokens a second.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from torch.utils.flop_counter import flop_registry

sys.path.insert(0, str(Path(__file__).parent.parent))

from benchmarks.counting.fused import fused, summed_in_one_kernel
from benchmarks.servers.answering import answering_server
from jz3.core.artifacts import InDir
from jz3.core.execution import load_execution
from jz3.core.params import read_sections
from jz3.generation.completion_rows import generate_windows, generation_key, generation_workers, payload
from jz3.generation.engine import GenerationRequest, Sampling
from jz3.generation.engines import open_engine
from jz3.generation.prompts import encode_prompts
from jz3.generation.served_engine import ENCODED_TOGETHER
from jz3.graph.fetching.table import read_table
from jz3.graph.memory_counts import Piece
from jz3.graph.step_memory import fake_step
from jz3.lm.labelled_places import cross_entropy
from jz3.lm.model import load_tokenizer
from jz3.lm.plan import OptimizerParams
from jz3.lm.tokenizer import train_tokenizer
from jz3.tables.model_manifest import ModelManifest
from jz3.training.base import ConfigModel, build
from jz3.training.methods import Full
from jz3.workers.crew import open_crew

ROOT = Path(__file__).parent.parent
PEAK = 989e12
"""bf16, dense (NVIDIA's data sheet of the H100 SXM)."""
PRODUCTS = {torch.bfloat16: 620e12, torch.float32: 50e12}
"""What large matrix products reach; float32 without TF32 (chosen: 63 % of the peak in bf16)."""
ATTENTION = 350e12
"""Forward and backward of FlashAttention-2, causal (Dao 2023, figure 6)."""
MEMORY = 2.7e12
"""Bytes a second (chosen: four fifths of 3.35e12)."""
KERNEL = 4e-6
"""The least seconds that a kernel takes (chosen)."""
LINK = 370e9
"""Bytes a second and direction between cards of a machine (chosen; NVLink 4 has 450e9)."""
CARDS = 8
LLAMA_1B = {
    "model_type": "llama", "hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
    "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 64, "vocab_size": 128_256,
    "max_position_embeddings": 131_072, "tie_word_embeddings": True,
}  # fmt: skip
"""The published config.json of Llama-3.2-1B."""
PASSAGE = "A passage that a page of the web has about some numbers and their sums. " * 30
"""With it a prompt has the length of the paper's: 2,200 characters."""
NOT_RUN = {"aten::empty", "aten::empty_like", "aten::detach", "aten::_unsafe_view"}
"""Operations that move nothing, such as views."""


class Cost(TorchDispatchMode):
    """Counts seconds, operations, bytes and kernels of everything dispatched inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: dict[str, float] = defaultdict(float)
        self.operations = self.bytes = self.kernels = 0

    def __torch_dispatch__(
        self,
        func: Any,  # noqa: ANN401 (as torch calls it)
        types: Any,  # noqa: ANN401
        args: Any = (),  # noqa: ANN401
        kwargs: Any = None,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        name = func._schema.name
        views = any(given.alias_info and not given.alias_info.is_write for given in func._schema.returns)
        if views or name in NOT_RUN or name.startswith("prim::"):
            return out
        tensors = [value for value in tree_iter((args, kwargs)) if isinstance(value, torch.Tensor)]
        left = [value for value in tree_iter(out) if isinstance(value, torch.Tensor)]
        moved = sum(value.numel() * value.element_size() for value in (*tensors, *left))
        if "varlen_attn" in name:
            tokens, heads, width = next(value.shape for value in tensors if value.dim() == 3)
            starts = next(value for value in tensors if value.dtype == torch.int32)
            length = tokens / (len(starts) - 1)  # documents of equal length
            operations = 2 * tokens * heads * length * width * (2.5 if "backward" in name else 1)
            kind, rate = "attention", ATTENTION
        elif func._overloadpacket in flop_registry:
            operations = flop_registry[func._overloadpacket](*args, **kwargs, out_val=out)
            kind, rate = f"products in {str(tensors[0].dtype)[6:]}", PRODUCTS[tensors[0].dtype]
        elif name.startswith("counted::"):
            operations, kind, rate = 0, "fused kernels", PEAK
        else:
            operations, kind, rate = 0, "copies and casts" if "copy" in name else "elementwise", PEAK
        self.operations += int(operations)
        self.bytes += moved
        self.kernels += 1
        self.seconds[kind] += max(operations / rate, moved / MEMORY, KERNEL)
        return out


@dataclass(frozen=True)
class Case:
    """A training whose steps are counted."""

    name: str
    shape: Mapping[str, Any]
    piece: Piece
    cards: int
    """Cards that share the weights by FSDP2, if the piece has weights in bf16."""
    fused: bool
    """Whether liger-kernel and torch.compile replace torch's operations (`execution.fused_kernels`)."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="six trainings, 1,000 rows, under a minute")
    options = parser.parse_args()
    figures = {case.name: counted(case) for case in cases(quick=options.quick)}
    figures["servers"] = served(1_000 if options.quick else 10_000)
    for name, found in figures.items():
        print(name)
        for what, value in found.items():
            print(f"  {what:28} {value if isinstance(value, dict) else format(value, ',')}")
    print("no device: trainings are counted, at the rates of an H100 SXM; servers are measured on a CPU")
    print(json.dumps(dict(flat(figures))))


def flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of nested figures, each under its full path of names."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}: ")
        else:
            yield f"{before}{name}", value


def cases(*, quick: bool) -> list[Case]:
    """The final trainings of `single_gpu` and `paper`, with and without what saves them time."""
    table = read_table(ROOT)
    small, large = ({**(table[name].shape or {})} for name in ("smollm2-1.7b", "mistral-7b"))
    length = int(read_sections(ROOT / "profiles/paper.yaml")["pack"]["block_length"])
    paper = load_execution(ROOT / "profiles/execution/paper.yaml")
    blocks, some = paper.training_batch, paper.recomputed("pretrain")
    autocast = Piece(blocks, length, 1, bf16_weights=False)
    gathered = replace(autocast, bf16_weights=True)
    kept = replace(gathered, blocks=2 * blocks, recomputed=0)
    found = [
        Case("1.7B, one card, autocast, torch's operations", small, autocast, 1, fused=False),
        Case("1.7B, one card, fsdp", small, gathered, 1, fused=True),
        Case("1B Llama, one card, fsdp, no recomputing", LLAMA_1B, kept, 1, fused=True),
        Case("7B, fsdp on eight, torch's operations", large, gathered, CARDS, fused=False),
        Case("7B, fsdp on eight", large, gathered, CARDS, fused=True),
        Case("7B, fsdp on eight, as paper", large, replace(gathered, recomputed=some), CARDS, fused=True),
    ]
    if not quick:
        whole = replace(gathered, blocks=1, recomputed=0)
        found += [
            Case("1B Llama, one card, autocast, torch's operations", LLAMA_1B, autocast, 1, fused=False),
            Case("1B Llama, fsdp on eight, no recomputing", LLAMA_1B, kept, CARDS, fused=True),
            Case("7B, one card, autocast", large, autocast, 1, fused=True),
            Case("7B, fsdp on eight, one block, no recomputing", large, whole, CARDS, fused=True),
            Case("1.7B, fsdp on eight", small, gathered, CARDS, fused=True),
        ]
    return found


def counted(case: Case) -> dict[str, Any]:
    """The figures of one piece of a step, on one card."""
    started = time.monotonic()
    optimizer = OptimizerParams(
        learning_rate=1e-5, weight_decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-8, gradient_clip=1.0,
        precision="bf16", muon=None,
    )  # fmt: skip
    with ExitStack() as stack:
        loss = summed_in_one_kernel if case.fused else cross_entropy
        step = stack.enter_context(fake_step(case.shape, Full(kind="full"), optimizer, case.piece, loss))
        if case.fused:
            stack.enter_context(fused(step.model))
        cost = Cost()
        with cost:
            step.run()
        weights = sum(weight.numel() for weight in step.model.parameters())
        tied = bool(case.shape["tie_word_embeddings"])
    layers, between = int(case.shape["num_hidden_layers"]), exchanged(case, weights)
    if case.piece.bf16_weights:
        cost.seconds["copies of FSDP2"] = copied(weights, case.cards) / MEMORY
    computing = sum(cost.seconds.values())
    seconds = max(computing, sum(between.values()) / LINK)
    tokens = case.piece.tokens
    return {
        "tokens": tokens,
        "weights": weights,
        "operations": cost.operations,
        "bytes": cost.bytes,
        "kernels": cost.kernels,
        "milliseconds": {
            kind: round(1e3 * s, 1) for kind, s in sorted(cost.seconds.items(), key=lambda one: -one[1])
        },
        "collectives": collectives(layers, tied=tied) if case.cards > 1 else 0,
        "exchanged_bytes": between,
        "exchange_milliseconds": round(1e3 * sum(between.values()) / LINK, 1),
        "tokens_per_second": round(tokens / seconds),
        "mfu": round(6 * weights * tokens / seconds / PEAK, 3),
        "counting_seconds": round(time.monotonic() - started, 1),
    }


def served(rows: int) -> dict[str, Any]:
    """What the stage takes to send rows to a server that answers at once, and to store what it returns."""
    with tempfile.TemporaryDirectory() as folder, answering_server(0.0) as url:
        os.environ["JZ3_STORE"] = f"{folder}/store"
        model = Path(folder) / "model"
        model.mkdir()
        shape = ConfigModel(
            kind="config", hidden_size=32, layers=1, heads=1, mlp=32, seed=0, max_positions=4096,
            training=None,
        )  # fmt: skip
        build(shape, train_tokenizer([PASSAGE], 400), model)
        paper = load_execution(ROOT / "profiles/execution/paper.yaml")
        how = paper.model_copy(update={"servers": [url], "device": "cpu"})
        sampling = Sampling(temperature=0.7, top_p=0.95, max_tokens=2500, stop=[])
        with (
            open_engine("openai", InDir(ModelManifest, model), "bfloat16", how) as engine,
            open_crew(generation_workers(engine, how)) as crew,
        ):
            requests = [GenerationRequest(f"{number} {PASSAGE}", number) for number in range(rows)]
            window = {
                generation_key(engine, one, sampling): payload(engine, one, sampling) for one in requests
            }
            started, core = time.monotonic(), time.process_time()
            stored = sum(1 for _ in generate_windows(engine, [window], how, crew))
            seconds, core = time.monotonic() - started, time.process_time() - core
        tokenizer, encoding = load_tokenizer(model), time.process_time()
        for start in range(0, rows, ENCODED_TOGETHER):
            encode_prompts(tokenizer, [one.prompt for one in requests[start : start + ENCODED_TOGETHER]])
        encoding = time.process_time() - encoding
    assert stored == rows, f"{stored} of {rows} rows were stored"
    return {
        "rows": rows,
        "requests_per_second": round(rows / seconds),
        "requests_per_core_second": round(rows / core),
        "microseconds_of_a_core": round(1e6 * core / rows),
        "of_them_to_encode_a_prompt": round(1e6 * encoding / rows),
    }


def copied(weights: int, cards: int) -> float:
    """Bytes that FSDP2 reads and writes on a card in a piece, by its source (torch 2.13): twice it casts the
    shard to bf16 and copies what was gathered into whole weights; once it casts gradients to float32 for
    their exchange, and adds the shard's to those of earlier pieces.
    """
    gather = (4 + 2) / cards + (2 + 2)
    reduce = (2 + 4) + (4 + 4 + 4) / cards
    return weights * (2 * gather + reduce)


def collectives(layers: int, *, tied: bool) -> int:
    """The figures of a piece under FSDP2: a group is gathered before its forward and again before its
    backward pass, and its gradients are reduced once. Groups are the layers, the embeddings, and the norm
    with the head, which stay gathered; tied embeddings are one group with the head.
    """
    groups = layers + (1 if tied else 2)
    return 2 * groups - 1 + groups


def exchanged(case: Case, weights: int) -> dict[str, int]:
    """Bytes that a card receives in a piece: weights in bf16 twice (except the last group), gradients in
    float32 once; of each, the share that the other cards hold.
    """
    if case.cards == 1:
        return {}
    kept = int(case.shape["vocab_size"]) * int(case.shape["hidden_size"])
    others = (case.cards - 1) / case.cards
    return {
        "gathered": round(2 * (2 * weights - kept) * others),
        "reduced": round(4 * weights * others),
    }


if __name__ == "__main__":
    main()
