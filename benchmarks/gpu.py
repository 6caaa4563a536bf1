"""What a training step demands of a card, counted without one, and the share of its peak that follows.

    python benchmarks/gpu.py [--quick]

The stage's own step (`jz3.graph.step_memory` says which code that is) runs on shapes without numbers, and
every operation that torch dispatches is counted: its floating-point operations, the bytes that it reads and
writes, its kernel. An H100 SXM then takes for each the longest of the three, at the rates below; what FSDP2
gathers and reduces between eight cards of a machine runs beside that: a piece takes the longer of the two.

Nothing is measured: the rates are public figures, or chosen where it says so, and `mfu` follows from them. It
counts 6 operations a weight and token, none for attention or for computing again, over 989 TFLOPS.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from torch.utils.flop_counter import flop_registry

sys.path.insert(0, str(Path(__file__).parent.parent))

from jz3.core.execution import load_execution
from jz3.core.params import read_sections
from jz3.graph.fetching.table import read_table
from jz3.graph.memory_counts import Piece
from jz3.graph.step_memory import fake_step
from jz3.lm.plan import OptimizerParams
from jz3.training.methods import Full

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
NOT_RUN = {"aten::empty", "aten::empty_like", "aten::detach", "aten::_unsafe_view"}
"""Operations that move nothing, such as views."""


class Cost(TorchDispatchMode):
    """Counts seconds, operations, bytes and kernels of everything dispatched inside the block."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: Counter[str] = Counter()
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
        if "attention" in name:
            batch, heads, length, width = next(value.shape for value in tensors if value.dim() == 4)
            operations = 2 * batch * heads * length**2 * width * (2.5 if "backward" in name else 1)
            kind, rate = "attention", ATTENTION
        elif func._overloadpacket in flop_registry:
            operations = flop_registry[func._overloadpacket](*args, **kwargs, out_val=out)
            kind, rate = f"products in {str(tensors[0].dtype)[6:]}", PRODUCTS[tensors[0].dtype]
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
    """Cards that share the weights by FSDP2."""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="two trainings, under a minute")
    options = parser.parse_args()
    figures = {case.name: counted(case) for case in cases(quick=options.quick)}
    for name, found in figures.items():
        print(name)
        for what, value in found.items():
            print(f"  {what:28} {value if isinstance(value, dict) else format(value, ',')}")
    print("no device: counted, at the rates of an H100 SXM")
    print(json.dumps(dict(flat(figures))))


def flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, float]]:
    """The numbers of nested figures, each under its full path of names."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{before}{name}: ")
        else:
            yield f"{before}{name}", value


def cases(*, quick: bool) -> list[Case]:
    """The final trainings of `single_gpu` and `paper`, with and without the features that cost them time."""
    table = read_table(ROOT)
    small, large = ({**(table[name].shape or {})} for name in ("smollm2-1.7b", "mistral-7b"))
    length = int(read_sections(ROOT / "profiles/paper.yaml")["pack"]["block_length"])
    blocks = load_execution(ROOT / "profiles/execution/paper.yaml").training_batch
    autocast = Piece(blocks, length, checkpointing=True, bf16_weights=False)
    gathered = replace(autocast, bf16_weights=True)
    whole = replace(gathered, blocks=1, checkpointing=False)
    found = [
        Case("1.7B, one card, autocast", small, autocast, 1),
        Case("7B, fsdp on eight", large, gathered, CARDS),
    ]
    if not quick:
        found += [
            Case("7B, one card, autocast", large, autocast, 1),
            Case("7B, fsdp on eight, one block, nothing computed again", large, whole, CARDS),
            Case("1.7B, fsdp on eight", small, gathered, CARDS),
        ]
    return found


def counted(case: Case) -> dict[str, Any]:
    """The figures of one piece of a step, on one card."""
    started = time.monotonic()
    optimizer = OptimizerParams(
        learning_rate=1e-5, weight_decay=0.0, beta1=0.9, beta2=0.999, epsilon=1e-8, gradient_clip=1.0,
        precision="bf16", muon=None,
    )  # fmt: skip
    with fake_step(case.shape, Full(kind="full"), optimizer, case.piece) as step:
        cost = Cost()
        with cost:
            step.run()
        weights = sum(weight.numel() for weight in step.model.parameters())
        tied = bool(case.shape["tie_word_embeddings"])
    layers, between = int(case.shape["num_hidden_layers"]), exchanged(case, weights)
    computing = sum(cost.seconds.values())
    seconds = max(computing, sum(between.values()) / LINK)
    tokens = case.piece.tokens
    return {
        "tokens": tokens,
        "weights": weights,
        "operations": cost.operations,
        "bytes": cost.bytes,
        "kernels": cost.kernels,
        "milliseconds": {kind: round(1e3 * s, 1) for kind, s in cost.seconds.most_common()},
        "collectives": collectives(layers, tied=tied) if case.cards > 1 else 0,
        "exchanged_bytes": between,
        "exchange_milliseconds": round(1e3 * sum(between.values()) / LINK, 1),
        "tokens_per_second": round(tokens / seconds),
        "mfu": round(6 * weights * tokens / seconds / PEAK, 3),
        "counting_seconds": round(time.monotonic() - started, 1),
    }


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
