"""Short documents that are attended to together give what each of them gives alone, whatever their
lengths.
"""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import scaled_dot_product_attention

from jz3.lm import document_attention
from jz3.lm.document_attention import by_documents
from jz3.lm.short_documents import attend_together
from tests.lm.test_document_attention import LENGTHS, model

HEADS, WIDTH = 4, 8


def drawn(length: int, heads: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    row = torch.randn(1, heads, length, WIDTH, generator=generator, dtype=torch.float64)
    return row.to(dtype).requires_grad_()


def one_by_one(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, lengths: list[int]
) -> torch.Tensor:
    documents = (row.split(lengths, dim=2) for row in (query, key, value))
    alone = [
        scaled_dot_product_attention(*each, is_causal=True, enable_gqa=True)
        for each in zip(*documents, strict=True)
    ]
    return torch.cat(alone, dim=2).transpose(1, 2)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 70), min_size=1, max_size=8), st.sampled_from([1, 2, 4]))
def test_outputs_and_gradients_are_those_of_each_document_alone(lengths, key_value_heads):
    rows = [drawn(sum(lengths), heads, heads) for heads in (HEADS, key_value_heads, key_value_heads)]
    together, alone = attend_together(*rows, lengths, None), one_by_one(*rows, lengths)
    torch.testing.assert_close(together, alone)
    weights = torch.linspace(-1, 1, together.numel(), dtype=torch.float64).view(together.shape)
    ours = torch.autograd.grad((together * weights).sum(), rows)
    for one, other in zip(ours, torch.autograd.grad((alone * weights).sum(), rows), strict=True):
        torch.testing.assert_close(one, other)


def test_rounding_in_bfloat16_is_at_most_half_as_much_again_as_that_of_the_kernel_of_torch():
    lengths = [100, 90, 130, 7]
    exact = one_by_one(*(drawn(sum(lengths), HEADS, seed) for seed in (1, 2, 3)), lengths)
    rows = [drawn(sum(lengths), HEADS, seed, torch.bfloat16) for seed in (1, 2, 3)]
    ours, torchs = attend_together(*rows, lengths, None), one_by_one(*rows, lengths)
    assert ours.dtype == torch.bfloat16
    assert 0 < (ours - exact).norm() < 1.5 * (torchs - exact).norm()  # measured: 1.26


@pytest.mark.parametrize("is_cast", [True, False])
def test_a_model_takes_this_way_in_bfloat16_alone(monkeypatch, is_cast):
    called = []

    def noted(*rows):
        called.append(rows[3])
        return attend_together(*rows)

    monkeypatch.setattr(document_attention, "attend_together", noted)
    network, tokens = model(2), torch.randint(0, 50, (1, sum(LENGTHS)))
    with by_documents(network, "cpu"), torch.autocast("cpu", torch.bfloat16, enabled=is_cast):
        network(tokens, document_lengths=LENGTHS)
    assert called == ([LENGTHS] * 2 if is_cast else [])
