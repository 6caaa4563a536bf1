"""Attention by documents is what each document gets alone, in every kind of head grouping."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from jz3.lm.document_attention import by_documents

LENGTHS = [5, 1, 9, 3]


def model(key_value_heads: int) -> LlamaForCausalLM:
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=key_value_heads,
        intermediate_size=64,
        use_cache=False,
    )
    return LlamaForCausalLM(config).eval()


@pytest.mark.parametrize("key_value_heads", [4, 2])
def test_logits_and_gradients_are_those_of_each_document_alone(key_value_heads):
    network = model(key_value_heads)
    documents = [torch.randint(0, 50, (1, length)) for length in LENGTHS]
    positions = torch.cat([torch.arange(length) for length in LENGTHS]).unsqueeze(0)
    with by_documents(network):
        together = network(
            torch.cat(documents, dim=1), position_ids=positions, document_lengths=LENGTHS
        ).logits
    assert network.config._attn_implementation == "sdpa"
    alone = torch.cat([network(document).logits for document in documents], dim=1)
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)
    weights = list(network.parameters())
    for one, other in zip(
        torch.autograd.grad(together.square().sum(), weights),
        torch.autograd.grad(alone.square().sum(), weights),
        strict=True,
    ):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_call_that_does_not_say_where_documents_end_fails():
    network = model(4)
    with by_documents(network), pytest.raises(TypeError, match="document_lengths"):
        network(torch.zeros(1, 4, dtype=torch.int64))
