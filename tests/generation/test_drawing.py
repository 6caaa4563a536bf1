"""Draws follow the probabilities that temperature and top_p leave, and depend only on seed and step."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jz3.generation.drawing import draw, uniforms

SEEDS = st.integers(0, 2**63 - 1)


@given(st.lists(SEEDS, min_size=1, max_size=5), SEEDS, st.integers(1, 20), st.integers(0, 20))
def test_the_numbers_of_a_row_do_not_depend_on_its_batch_or_on_the_steps_to_come(seeds, seed, steps, more):
    alone = uniforms([seed], steps)[0]
    assert (uniforms([*seeds, seed], steps + more)[-1][:steps] == alone).all()


def test_draws_have_the_frequencies_of_the_softmax():
    logits = torch.tensor([0.0, 1.0, 2.0, -1.0])
    numbers = torch.from_numpy(uniforms([7], 40_000)[0])
    tokens = draw(logits.expand(40_000, 4), numbers, 0.7, 1.0)
    frequencies = torch.bincount(tokens, minlength=4) / 40_000
    assert torch.allclose(frequencies, torch.softmax(logits / 0.7, 0), atol=0.01)


def test_top_p_keeps_the_least_set_with_its_share_and_the_odds_within_it():
    logits = torch.log(torch.tensor([0.1, 0.5, 0.05, 0.35]))
    numbers = torch.from_numpy(uniforms([7], 40_000)[0])
    for top_p, kept in ((0.4, {1}), (0.6, {1, 3}), (0.9, {0, 1, 3}), (0.99, {0, 1, 2, 3})):
        tokens = draw(logits.expand(40_000, 4), numbers, 1.0, top_p)
        assert set(tokens.tolist()) == kept
    tokens = draw(logits.expand(40_000, 4), numbers, 1.0, 0.6)
    assert abs((tokens == 1).float().mean() - 0.5 / 0.85) < 0.01


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=6), st.floats(0, 1, exclude_max=True))
@settings(deadline=None)
def test_temperature_zero_takes_the_likeliest_whatever_the_number(logits, number):
    (token,) = draw(torch.tensor([logits]), torch.tensor([number]), 0, 1.0).tolist()
    assert torch.tensor(logits)[token] == max(torch.tensor(logits))


@given(st.floats(0, 1, exclude_max=True), st.floats(0.01, 1))
@settings(deadline=None)
def test_impossible_tokens_are_never_drawn(number, top_p):
    logits = torch.tensor([[-float("inf"), 0.0, -float("inf"), 1.0, -float("inf")]])
    assert draw(logits, torch.tensor([number], dtype=torch.float64), 1.0, top_p).item() in (1, 3)
