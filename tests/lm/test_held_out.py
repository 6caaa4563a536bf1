"""The loss on held-out rows takes no more memory than a model, its activations, and one layer's casts."""

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from jz3.graph.alive import Alive
from jz3.lm.held_out import mean_loss
from tests.executions import execution
from tests.training.trainings import some_blocks


def test_casts_of_weights_go_as_soon_as_they_are_used():
    """By itself autocast keeps them all: for 7B weights 13 GiB besides 27, more than a card of 40 GB has."""
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=300,
            hidden_size=64,
            intermediate_size=1024,
            num_hidden_layers=12,
            num_attention_heads=2,
        )
    )
    alive = Alive()
    weights = alive.hold([*model.parameters(), *model.buffers()])
    with alive:
        mean_loss(model, some_blocks(), "bf16", execution())
    kept = sum(weight.numel() for weight in model.parameters()) * torch.bfloat16.itemsize
    assert alive.peak - weights < kept / 3
