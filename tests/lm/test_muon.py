"""Muon moves the hidden matrices, AdamW everything else, and one schedule governs both."""

import pytest
import torch

from jz3.lm import muon
from jz3.lm.muon import MuonAndAdamW, StackedMuon
from jz3.lm.plan import epoch_plan
from tests.lm.optimizers import MUON, OPTIMIZER
from tests.lm.test_train import COSINE, WSD, some_blocks, tiny_model, trained


def is_hidden(name: str) -> bool:
    return name.endswith("_proj.weight")


def both(model: torch.nn.Module, rate: float = 0.02) -> MuonAndAdamW:
    named = list(model.named_parameters())
    hidden = StackedMuon([w for name, w in named if is_hidden(name)], lr=rate, weight_decay=0.1)
    adamw = torch.optim.AdamW([w for name, w in named if not is_hidden(name)], lr=0.01, weight_decay=0.1)
    return MuonAndAdamW(hidden, adamw)


def with_gradients(model: torch.nn.Module) -> torch.nn.Module:
    generator = torch.Generator().manual_seed(1)
    for weight in model.parameters():
        weight.grad = torch.randn(weight.shape, generator=generator)
    return model


@pytest.mark.parametrize("stacked", [1, 4096, 2**22])
def test_steps_are_those_of_muon_on_hidden_matrices_and_those_of_adamw_elsewhere(monkeypatch, stacked):
    monkeypatch.setattr(muon, "STACKED", stacked)
    model, apart, before = tiny_model(), tiny_model(), dict(tiny_model().named_parameters())
    ours, named = both(model), list(apart.named_parameters())
    hidden = torch.optim.Muon([w for name, w in named if is_hidden(name)], lr=0.02, weight_decay=0.1)
    adamw = torch.optim.AdamW([w for name, w in named if not is_hidden(name)], lr=0.01, weight_decay=0.1)
    for _ in range(2):
        with_gradients(model)
        ours.step()
        with_gradients(apart)
        hidden.step()
        adamw.step()
    for (name, mine), (_, theirs) in zip(model.named_parameters(), named, strict=True):
        if is_hidden(name):  # both round to bfloat16 within a step, by products in a different order
            assert (mine - theirs).norm() < 0.02 * (theirs - before[name]).norm(), name
        else:
            assert torch.equal(mine, theirs), name


def test_a_training_moves_hidden_matrices_by_muon_and_embeddings_and_norms_as_before():
    blocks = some_blocks()
    plan = epoch_plan(len(blocks), 1, len(blocks), seed=3)  # one step: the first update shows who made it
    start, model, plain = tiny_model(), tiny_model(), tiny_model()
    trained(model, blocks, plan, optimizer=MUON)
    trained(plain, blocks, plan)
    for (name, before), after, other in zip(
        start.named_parameters(), model.parameters(), plain.parameters(), strict=True
    ):
        assert not torch.equal(before, after), name
        assert torch.equal(after, other) != is_hidden(name), name


def test_an_update_of_a_hidden_matrix_is_nearly_orthogonal():
    blocks, start, model = some_blocks(), tiny_model(), tiny_model()
    undecayed = MUON.model_copy(update={"weight_decay": 0.0})
    trained(model, blocks, epoch_plan(len(blocks), 1, len(blocks), seed=3), optimizer=undecayed)
    update = model.model.layers[0].mlp.gate_proj.weight - start.model.layers[0].mlp.gate_proj.weight
    singular = torch.linalg.svdvals(update.detach() / (0.02 * 2**0.5))  # 64 rows over 32 columns
    assert 0.5 < float(singular.median()) < 1.5


def test_the_schedule_scales_both_rates():
    blocks = some_blocks()
    plan = epoch_plan(len(blocks), 1, 5, seed=3)
    seen = []

    def end(epoch, model, optimizer, rate, loss) -> None:
        seen.extend(group["lr"] for group in optimizer.param_groups)

    trained(tiny_model(), blocks, plan, WSD, optimizer=MUON, hook=end)
    matrices, vectors, hidden = seen
    assert matrices == vectors
    assert 0 < matrices < OPTIMIZER.learning_rate  # at the floor of the schedule
    assert abs(hidden / matrices - 0.02 / OPTIMIZER.learning_rate) < 1e-9


def test_a_saved_state_goes_on_as_if_nothing_had_been():
    straight, cut = tiny_model(), tiny_model()
    whole, first = both(straight), both(cut)
    for _ in range(2):
        with_gradients(straight)
        whole.step()
    with_gradients(cut)
    first.step()
    second = both(cut)
    second.load_state_dict(first.state_dict())
    with_gradients(cut)
    second.step()
    for mine, theirs in zip(cut.parameters(), straight.parameters(), strict=True):
        assert torch.equal(mine, theirs)


def test_the_same_inputs_give_the_same_weights_and_a_smaller_loss():
    blocks, first, second = some_blocks(), tiny_model(), tiny_model()
    plan = epoch_plan(len(blocks), 4, 5, seed=3)
    points = trained(first, blocks, plan, COSINE, optimizer=MUON)
    trained(second, blocks, plan, COSINE, optimizer=MUON)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert points["loss"][-1] < points["loss"][0]
