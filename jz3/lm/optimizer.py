"""The optimizer that OptimizerParams describe. Importing this module takes seconds."""

from typing import Any

import torch
from transformers import PreTrainedModel

from jz3.lm.muon import MuonAndAdamW, StackedMuon
from jz3.lm.plan import OptimizerParams


def make_optimizer(model: PreTrainedModel, params: OptimizerParams) -> torch.optim.Optimizer:
    """An optimizer of the weights that require a gradient: Muon and AdamW, as far as each has weights to
    train.

    An adapter may leave one of them without weights: all factors of LoRA are matrices, no block of Bone is.
    """
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    hidden = _hidden_matrices(model) if params.muon else []
    taken = {id(weight) for weight in hidden}
    others = [weight for weight in trained if id(weight) not in taken]
    groups: list[dict[str, Any]] = [
        {"params": [w for w in others if w.ndim > 1], "weight_decay": params.weight_decay},
        {"params": [w for w in others if w.ndim <= 1], "weight_decay": 0.0},
    ]
    if params.muon is None or not hidden:
        return _adamw(groups, params)
    muon = StackedMuon(
        hidden,
        lr=params.muon.learning_rate,
        momentum=params.muon.momentum,
        weight_decay=params.weight_decay,
    )
    return MuonAndAdamW(muon, _adamw(groups, params)) if others else muon


def _adamw(groups: list[dict[str, Any]], params: OptimizerParams) -> torch.optim.AdamW:
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=params.learning_rate,
        betas=(params.beta1, params.beta2),
        eps=params.epsilon,
        fused=True,
    )


def _hidden_matrices(model: PreTrainedModel) -> list[torch.nn.Parameter]:
    ends = {
        id(weight)
        for module in (model.get_input_embeddings(), model.get_output_embeddings())
        if module is not None
        for weight in module.parameters()
    }
    return [w for w in model.parameters() if w.requires_grad and w.ndim == 2 and id(w) not in ends]
