"""Attention by documents is what each document gets alone, in every kind of head grouping."""

import pytest
import torch
from torch.nn.attention import varlen
from transformers import LlamaConfig, LlamaForCausalLM

from jz3.lm.document_attention import by_documents
from jz3.lm.labelled_places import LabelledPlaces, summed_loss

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
    with by_documents(network, "cpu"):
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
    for device in ("cpu", "cuda"):
        with by_documents(network, device), pytest.raises(TypeError, match="document_lengths"):
            network(torch.zeros(1, 4, dtype=torch.int64))


def kernel_of_a_gpu(query, key, value, starts, key_starts, longest, longest_key, *, scale, **how):
    """What `varlen_attn` is documented to do, on a CPU, where torch has no kernel for it."""
    assert starts is key_starts
    assert (starts.dtype, starts.tolist()) == (torch.int32, [0, 5, 6, 15, 18])
    assert longest == longest_key == max(LENGTHS)
    assert how == {"window_size": (-1, 0), "enable_gqa": len(query[0]) != len(key[0])}, "causal"
    assert {rows.dtype for rows in (query, key, value)} == {torch.bfloat16}, "it casts nothing"
    assert all(rows.stride(-1) == 1 for rows in (query, key, value))
    documents = zip(
        *(rows.transpose(0, 1).split(LENGTHS, dim=1) for rows in (query, key, value)), strict=True
    )
    attended = [
        torch.nn.functional.scaled_dot_product_attention(
            *document, is_causal=True, scale=scale, enable_gqa=how["enable_gqa"]
        )
        for document in documents
    ]
    return torch.cat(attended, dim=1).transpose(0, 1)


@pytest.mark.parametrize("key_value_heads", [4, 2])
@pytest.mark.parametrize("is_cast", [True, False])
def test_on_a_gpu_all_documents_go_through_one_kernel(monkeypatch, key_value_heads, is_cast):
    """Under autocast over float32, and with weights in bfloat16."""
    called = []

    def noted(*rows, **how):
        called.append(rows[0].shape)
        return kernel_of_a_gpu(*rows, **how)

    monkeypatch.setattr(varlen, "varlen_attn", noted)
    network = model(key_value_heads) if is_cast else model(key_value_heads).to(torch.bfloat16)
    tokens = torch.randint(0, 50, (1, sum(LENGTHS)))
    positions = torch.cat([torch.arange(length) for length in LENGTHS]).unsqueeze(0)
    labels = torch.arange(sum(LENGTHS))
    found = []
    for device in ("cuda", "cpu"):
        with (
            by_documents(network, device),
            LabelledPlaces(network) as places,
            torch.autocast("cpu", torch.bfloat16, enabled=is_cast),
        ):
            places.indices = labels
            loss = summed_loss(network, tokens, positions, LENGTHS, tokens[0])
        found.append((loss, torch.autograd.grad(loss, list(network.parameters()))))
    assert called == [(sum(LENGTHS), 4, 8)] * 2, "once a layer"
    (loss, gradients), (other, others) = found
    torch.testing.assert_close(loss, other, rtol=2**-8, atol=0)
    for one, of_other in zip(gradients, others, strict=True):
        assert (one - of_other).norm() < 2**-5 * of_other.norm()


def test_on_a_gpu_float32_goes_document_by_document():
    network, tokens = model(2), torch.randint(0, 50, (1, sum(LENGTHS)))
    found = []
    for device in ("cuda", "cpu"):
        with by_documents(network, device):
            starts = torch.tensor([0, 5, 6, 15, 18], dtype=torch.int32)
            found.append(network(tokens, document_lengths=LENGTHS, document_starts=starts).logits)
    assert torch.equal(*found)
