"""Tiny reference models with a trained-looking adapter, and rows for them."""

from dataclasses import replace

import numpy as np
import torch
from transformers import (
    GPTNeoXConfig,
    GPTNeoXForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    OlmoConfig,
    OlmoForCausalLM,
    PreTrainedModel,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from jz3.influence.checkpoints import LoraLayer, Moments, Reference
from jz3.lm.encode import IGNORED_LABEL, EncodedRow

VOCABULARY = 61
SCALE = 2.0
RANK = 3
SHAPE = {"vocab_size": VOCABULARY, "hidden_size": 24, "num_hidden_layers": 2, "num_attention_heads": 2}
SEVEN = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
LINEARS = {
    "llama": SEVEN,
    "qwen2": SEVEN,
    "olmo": SEVEN,
    "gpt_neox": ("query_key_value", "dense", "dense_h_to_4h", "dense_4h_to_h"),
}


def plain_model(architecture: str) -> PreTrainedModel:
    with torch.random.fork_rng():
        torch.manual_seed(1)
        if architecture == "llama":
            model = LlamaForCausalLM(
                LlamaConfig(**SHAPE, num_key_value_heads=1, intermediate_size=40, tie_word_embeddings=True)
            )
        elif architecture == "qwen2":
            model = Qwen2ForCausalLM(Qwen2Config(**SHAPE, num_key_value_heads=2, intermediate_size=40))
        elif architecture == "olmo":  # it writes into the outputs of its layers
            model = OlmoForCausalLM(OlmoConfig(**SHAPE, intermediate_size=40, clip_qkv=0.3, pad_token_id=0))
        else:
            model = GPTNeoXForCausalLM(GPTNeoXConfig(**SHAPE, intermediate_size=40, hidden_dropout=0.1))
        for weight in model.parameters():  # far from the start, where the gradients of all samples look alike
            weight.data += 0.1 * torch.randn_like(weight)
    return model


def adapters(architecture: str) -> dict[str, LoraLayer]:
    """A and B are drawn; B is not zero, otherwise the gradient of A would be."""
    generator = torch.Generator().manual_seed(2)
    layers: dict[str, LoraLayer] = {}
    for name, module in plain_model(architecture).named_modules():
        if name.split(".")[-1] in LINEARS[architecture]:
            outputs, inputs = module.weight.shape
            a = torch.randn(RANK, inputs, generator=generator) / inputs**0.5
            b = 0.1 * torch.randn(outputs, RANK, generator=generator)
            layers[name] = LoraLayer(a, b, SCALE)
    return layers


def merged(architecture: str) -> Reference:
    """The reference as `open_checkpoint` returns it, with drawn moments."""
    model, layers = plain_model(architecture), adapters(architecture)
    model.requires_grad_(False).eval()
    for name, layer in layers.items():
        model.get_submodule(name).weight.data += layer.scale * (layer.b_OR @ layer.a_RI)
    generator = torch.Generator().manual_seed(3)
    moments = {
        (name, matrix): Moments(
            0.01 * torch.randn(weight.numel(), generator=generator),
            1e-4 * torch.rand(weight.numel(), generator=generator),
        )
        for name, layer in layers.items()
        for matrix, weight in (("A", layer.a_RI), ("B", layer.b_OR))
    }
    return Reference(model, layers, moments)


def in_bf16(reference: Reference) -> Reference:
    layers = {
        name: replace(layer, a_RI=layer.a_RI.bfloat16(), b_OR=layer.b_OR.bfloat16())
        for name, layer in reference.layers.items()
    }
    return Reference(reference.model.bfloat16(), layers, reference.moments)


def some_rows(count: int, seed: int = 0) -> list[EncodedRow]:
    """Rows of 4 to 40 tokens, some of which bear loss at the end."""
    generator = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        tokens = generator.integers(1, VOCABULARY, int(generator.integers(4, 41))).tolist()
        masked = int(generator.integers(1, len(tokens)))
        rows.append(EncodedRow(tokens, [IGNORED_LABEL] * masked + tokens[masked:]))
    return rows
