# ruff: noqa: ARG001 (what an operation is given is what its kernel reads)
"""Stand-ins with the traffic of fused kernels, whose own code needs numbers and a GPU.

Each is one operation that reads and writes what the kernel does by its source (liger-kernel 0.8.5), forward
and backward, and computes nothing. `tests/training/test_fused_kernels.py` runs the kernels themselves.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import MethodType
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel


@torch.library.custom_op("counted::rms_norm", mutates_args=())
def rms_norm(rows: Tensor, weight: Tensor) -> Tensor:
    """[..., width]: reads the rows and the weight, writes rows."""
    return torch.empty_like(rows)


@torch.library.custom_op("counted::rms_norm_backward", mutates_args=())
def rms_norm_backward(given: Tensor, rows: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Also writes the gradient of the weight; its partial sums, one for each processor, are left out."""
    return torch.empty_like(rows), torch.empty_like(weight)


@torch.library.custom_op("counted::rotary", mutates_args=())
def rotary(query: Tensor, key: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor]:
    """[1, heads, tokens, width]: reads and writes query and key, both in one kernel; so does the backward."""
    return torch.empty_like(query), torch.empty_like(key)


@torch.library.custom_op("counted::swiglu", mutates_args=())
def swiglu(gate: Tensor, up: Tensor) -> Tensor:
    """[..., width]: reads both, writes their product."""
    return torch.empty_like(gate)


@torch.library.custom_op("counted::swiglu_backward", mutates_args=())
def swiglu_backward(given: Tensor, gate: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
    """Reads three, writes two."""
    return torch.empty_like(gate), torch.empty_like(up)


@torch.library.custom_op("counted::cross_entropy", mutates_args=())
def compiled_cross_entropy(logits: Tensor, again: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """The logits are read twice, for their largest and for the sum; a row's loss and sum are written."""
    losses = torch.empty(len(labels), dtype=torch.float32, device=logits.device)
    return losses, torch.empty_like(losses)


@torch.library.custom_op("counted::cross_entropy_backward", mutates_args=())
def cross_entropy_backward(given: Tensor, logits: Tensor, labels: Tensor, sums: Tensor) -> Tensor:
    """The logits are read, their gradient is written."""
    return torch.empty_like(logits)


OPERATIONS = (
    rms_norm, rms_norm_backward, rotary, swiglu, swiglu_backward, compiled_cross_entropy,
    cross_entropy_backward,
)  # fmt: skip
for operation in OPERATIONS:
    operation.register_fake(operation._init_fn)  # pyright: ignore[reportPrivateUsage]


def _save(ctx: Any, inputs: tuple[Tensor, ...], output: Any) -> None:  # noqa: ANN401
    ctx.save_for_backward(*inputs)


def _save_angles(ctx: Any, inputs: tuple[Tensor, ...], output: Any) -> None:  # noqa: ANN401
    ctx.save_for_backward(*inputs[2:])


rms_norm.register_autograd(
    lambda ctx, given: rms_norm_backward(given, *ctx.saved_tensors), setup_context=_save
)
swiglu.register_autograd(lambda ctx, given: swiglu_backward(given, *ctx.saved_tensors), setup_context=_save)
rotary.register_autograd(
    lambda ctx, query, key: (*rotary(query, key, *ctx.saved_tensors), None, None), setup_context=_save_angles
)


def _save_sums(ctx: Any, inputs: tuple[Tensor, ...], output: tuple[Tensor, Tensor]) -> None:  # noqa: ANN401
    ctx.save_for_backward(inputs[0], inputs[2], output[1])


compiled_cross_entropy.register_autograd(
    lambda ctx, given, _: (cross_entropy_backward(given, *ctx.saved_tensors), None, None),
    setup_context=_save_sums,
)


def summed_in_one_kernel(logits: Tensor, labels: Tensor) -> Tensor:
    """Stands in for `jz3.lm.fused_kernels.compiled_cross_entropy`."""
    return compiled_cross_entropy(logits, logits, labels)[0].sum()


@contextmanager
def fused(model: PreTrainedModel) -> Generator[None]:
    """Give the model the stand-ins, as liger-kernel would patch it, until the block ends."""
    modeling: Any = sys.modules[type(model).__module__]
    before = modeling.apply_rotary_pos_emb
    for name, module in model.named_modules():
        if type(module).__name__.endswith("RMSNorm"):
            module.forward = MethodType(lambda self, rows: rms_norm(rows, self.weight), module)
        elif name.endswith(".mlp"):
            module.forward = MethodType(
                lambda self, rows: self.down_proj(swiglu(self.gate_proj(rows), self.up_proj(rows))), module
            )
    modeling.apply_rotary_pos_emb = rotary
    try:
        yield
    finally:
        modeling.apply_rotary_pos_emb = before
