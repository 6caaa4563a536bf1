"""The cache in reserved memory holds what transformers' own cache holds, after any steps and cuts."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers.cache_utils import DynamicCache, DynamicLayer

from jz3.generation.reserved_cache import AHEAD, ReservedLayer, reserve_ahead

HEADS, WIDTH = 2, 4
STEPS = st.lists(st.one_of(st.integers(1, AHEAD + 3), st.lists(st.integers(0, 2), max_size=3)), max_size=6)
"""Tokens that come together, or the rows that are kept (numbers modulo the rows that are left)."""


def states(rows, tokens, generator):
    return [torch.randn(rows, HEADS, tokens, WIDTH, generator=generator) for _ in range(2)]


@given(STEPS)
def test_any_steps_and_cuts_give_the_keys_and_values_of_the_plain_cache(steps):
    generator = torch.Generator().manual_seed(0)
    rows = 3
    plain = DynamicLayer()
    own = ReservedLayer(*plain.update(*states(rows, 5, generator)))
    for step in steps:
        if isinstance(step, int):
            new = states(rows, step, generator)
            expected = plain.update(*new)
            assert all(map(torch.equal, own.update(*new), expected))
        elif step:
            kept = torch.tensor([row % rows for row in step])
            rows = len(kept)
            for layer in (plain, own):
                layer.batch_select_indices(kept)
        assert torch.equal(own.keys, plain.keys)
        assert torch.equal(own.values, plain.values)
        assert own.get_seq_length() == plain.get_seq_length()
        assert own.get_mask_sizes(1) == plain.get_mask_sizes(1)


def test_tokens_within_the_reserved_memory_copy_nothing():
    layer = ReservedLayer(*states(3, 5, torch.Generator().manual_seed(0)))
    layer.update(*states(3, 1, torch.Generator().manual_seed(0)))
    memory = layer.keys.data_ptr()
    for _ in range(AHEAD - 1):
        layer.update(*states(3, 1, torch.Generator().manual_seed(0)))
    assert layer.keys.data_ptr() == memory
    layer.update(*states(3, 1, torch.Generator().manual_seed(0)))
    assert layer.keys.data_ptr() != memory


def test_only_plain_layers_that_hold_something_are_replaced():
    class Sliding(DynamicLayer):
        """A layer of another kind."""

    cache = DynamicCache()
    filled, sliding = DynamicLayer(), Sliding()
    for layer in (filled, sliding):
        layer.update(*states(1, 2, torch.Generator().manual_seed(0)))
    cache.layers = [filled, sliding, DynamicLayer()]
    reserve_ahead(cache)
    assert [type(layer) for layer in cache.layers] == [ReservedLayer, Sliding, DynamicLayer]
