"""Train with fused kernels on a CPU: `python -m tests.training.interpreted_kernels ROOT SITE`.

triton's interpreter runs the programs of liger-kernel, from the packages in SITE. What triton's compiler does
and its interpreter does not is added here: plain floats are float32, the reciprocal root is a function of
CUDA, and numbers in bfloat16 are added and multiplied as numbers, not as the integers that hold them. Prints
one line of JSON for each training: the kernels that ran and how often, and how far losses, norms and weights
are from those without them.
"""

import json
import os
import shutil
import sys
from collections import Counter
from pathlib import Path

os.environ["TRITON_INTERPRET"] = "1"
if shutil.which("g++") is None:
    os.environ["TORCHDYNAMO_DISABLE"] = "1"  # torch.compile needs a compiler on a CPU
sys.path.append(sys.argv[2])

import numpy as np
import torch
import triton.language as tl
from liger_kernel.ops import rms_norm
from triton.runtime import interpreter

from jz3.training.methods import Lora
from tests.lm.optimizers import OPTIMIZER
from tests.training.trainings import some_blocks, trained

LORA = Lora(kind="lora", rank=4, alpha=8, dropout=0.0, targets=["q_proj", "down_proj"])
CASES = {
    "full": {},
    "adapter": {"method": LORA, "gradient_checkpointing": True},
    "bf16": {"optimizer": OPTIMIZER.model_copy(update={"precision": "bf16"})},
}
ran: Counter[str] = Counter()
convert, execute = interpreter._implicit_cvt, interpreter.GridExecutor.__call__
combine = interpreter.InterpreterBuilder.binary_op


def converted(value):
    if isinstance(value, float):
        return tl.tensor(interpreter.TensorHandle(np.array([value], np.float32), tl.float32), tl.float32)
    return convert(value)


def executed(self, *values, **named):
    ran[self.fn.__name__] += 1
    return execute(self, *values, **named)


def combined(self, left, right, operation):
    if left.dtype.scalar != tl.bfloat16:
        return combine(self, left, right, operation)
    found = combine(self, widened(left), widened(right), operation)
    if found.data.dtype != np.float32:  # a comparison
        return found
    bits = torch.from_numpy(np.ascontiguousarray(found.data)).to(torch.bfloat16).view(torch.int16).numpy()
    return interpreter.TensorHandle(bits.view(np.uint16), tl.bfloat16)


def widened(held):
    bits = torch.from_numpy(np.ascontiguousarray(held.data).view(np.int16))
    return interpreter.TensorHandle(bits.view(torch.bfloat16).float().numpy(), tl.float32)


interpreter._implicit_cvt, interpreter.GridExecutor.__call__ = converted, executed
interpreter.InterpreterBuilder.binary_op = combined
rms_norm.rsqrt = lambda value: tl.rsqrt(value)


def main(root: Path) -> None:
    for case, change in CASES.items():
        ran.clear()
        how = {"blocks": some_blocks(count=6), "blocks_per_step": 1, "training_batch": 1, **change}
        runs = [trained(root, fused_kernels=fused, **how) for fused in (False, True)]
        plain, fused = ([run.loss[name].to_numpy() for name in ("loss", "gradient_norm")] for run in runs)
        one, other = (run.model(run.job.keep[-1]).state_dict() for run in runs)
        found = {
            "case": case,
            "ran": ran,
            "steps": runs[0].loss.height,
            "off": float(max(np.abs(a / b - 1).max() for a, b in zip(fused, plain, strict=True))),
            "weights_off": max(float((one[name] - other[name]).abs().max()) for name in one),
        }
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main(Path(sys.argv[1]))
