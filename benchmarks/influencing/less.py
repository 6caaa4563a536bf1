"""One sample at a time through peft: the truth, the path of LESS, and a stronger one."""

# ruff: noqa: N803, N806, N815 (names of tensors end in their shape)

from dataclasses import dataclass

import torch
from peft import PeftModel

from benchmarks.influencing.case import (
    Case,
    cpu_ms,
)
from jz3.influence.directions import AdamConstants
from jz3.lm.encode import EncodedRow
from jz3.lm.model import load_model

PROJECTED, LESS_BLOCK, LESS_ROWS = 8192, 128, 16
KEPT_ROWS = 128
LESS_CANDIDATES = 8


@dataclass(frozen=True)
class OneByOne:
    """The adapter in peft's own layers, and the moments of its optimizer in the order of its weights."""

    model: PeftModel
    weights: list[torch.nn.Parameter]
    first_D: torch.Tensor
    second_D: torch.Tensor
    constants: AdamConstants

    def gradient(self, row: EncodedRow) -> torch.Tensor:
        loss = self.model(input_ids=torch.tensor([row.tokens]), labels=torch.tensor([row.labels])).loss
        return torch.cat([g.flatten() for g in torch.autograd.grad(loss, self.weights)]).float()

    def adam(self, gradient_D: torch.Tensor) -> torch.Tensor:
        """As in the paper of LESS: the epsilon outside the root."""
        beta1, beta2 = self.constants.beta1, self.constants.beta2
        first_D = beta1 * self.first_D + (1 - beta1) * gradient_D
        second_D = beta2 * self.second_D + (1 - beta2) * gradient_D.square()
        return first_D / (second_D.sqrt() + self.constants.epsilon)


def one_by_one(it: Case, dtype: str) -> OneByOne:
    from safetensors.torch import load_file

    model = PeftModel.from_pretrained(load_model(it.base, dtype), it.checkpoint, is_trainable=True).eval()
    if dtype == "bfloat16":
        model.to(torch.bfloat16)
    named = {
        name.replace(".default.", "."): weight
        for name, weight in model.named_parameters()
        if weight.requires_grad
    }
    first, second = (load_file(it.checkpoint / f"{m}.safetensors") for m in ("exp_avg", "exp_avg_sq"))
    return OneByOne(
        model,
        list(named.values()),
        torch.cat([first[name].flatten() for name in named]),
        torch.cat([second[name].flatten() for name in named]),
        it.constants,
    )


def true_cosines(it: Case) -> dict[str, torch.Tensor]:
    single = one_by_one(it, "float32")
    means = [torch.stack([single.gradient(r) for r in rows]).mean(0) for rows in it.by_task.values()]
    tasks_KD = torch.stack([mean / mean.norm() for mean in means])
    found: dict[str, list[torch.Tensor]] = {"plain": [], "adam": []}
    for row in it.rows:
        gradient_D = single.gradient(row)
        for name, direction_D in (("plain", gradient_D), ("adam", single.adam(gradient_D))):
            found[name].append(tasks_KD @ (direction_D / direction_D.norm()))
    return {name: torch.stack(rows) for name, rows in found.items()}


def rademacher(matrix: torch.Tensor, seed: int) -> None:
    matrix.bernoulli_(0.5, generator=torch.Generator().manual_seed(seed)).mul_(2).sub_(1)


def less_ms(it: Case, blocks: int) -> float:
    """CPU milliseconds per candidate on the path of LESS."""
    single = one_by_one(it, "float32")
    step = max(1, len(it.rows) // LESS_CANDIDATES)
    rows = it.rows[step // 2 :: step][:LESS_CANDIDATES]
    taken: list[torch.Tensor] = []
    single.gradient(rows[0])
    backward_ms = cpu_ms(lambda: taken.extend(single.adam(single.gradient(row)) for row in rows)) / len(rows)
    gradients_BD = torch.stack(taken).repeat(LESS_ROWS // len(rows), 1)
    matrix_DP = torch.empty(gradients_BD.shape[1], LESS_BLOCK)
    sketch_BP = torch.zeros(LESS_ROWS, PROJECTED)

    def project() -> None:
        for block in range(blocks):
            rademacher(matrix_DP, block)
            sketch_BP[:, block * LESS_BLOCK : (block + 1) * LESS_BLOCK] = gradients_BD @ matrix_DP

    projection_ms = cpu_ms(project) * (PROJECTED / LESS_BLOCK / blocks) / LESS_ROWS
    return backward_ms + projection_ms


def stored_matrix_ms(it: Case, columns: int) -> float:
    """CPU milliseconds per candidate in bf16 with a stored matrix, of which so many columns are drawn."""
    single = one_by_one(it, "bfloat16")
    step = max(1, len(it.rows) // LESS_CANDIDATES)
    rows = it.rows[step // 2 :: step][:LESS_CANDIDATES]
    taken: list[torch.Tensor] = []
    single.gradient(rows[0])
    backward_ms = cpu_ms(lambda: taken.extend(single.adam(single.gradient(row)) for row in rows)) / len(rows)
    gradients_BD = torch.stack(taken).bfloat16().repeat(-(-KEPT_ROWS // len(rows)), 1)[:KEPT_ROWS]
    matrix_DP = torch.empty(gradients_BD.shape[1], columns, dtype=torch.bfloat16)
    rademacher(matrix_DP, 0)
    gradients_BD[:2] @ matrix_DP
    projection_ms = cpu_ms(lambda: gradients_BD @ matrix_DP) / KEPT_ROWS * (PROJECTED / columns)
    return backward_ms + projection_ms
