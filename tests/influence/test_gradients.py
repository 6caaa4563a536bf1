"""Law: the gradients that hooks catch in one padded batch are those of autograd, one sample at a time.

If it fails, values belong to another model, to other tokens, or to padding.
"""

from dataclasses import replace

import pytest
import torch
from peft import LoraConfig, get_peft_model

from jz3.influence.gradients import backward, cut_batches
from jz3.lm.encode import EncodedRow
from tests.influence.tiny import LINEARS, RANK, SCALE, adapters, merged, plain_model, some_rows

ARCHITECTURES = ("llama", "qwen2", "gpt_neox", "olmo")


def caught_gradients(reference, rows):
    """{(layer, matrix): [rows, weights]} and the losses, in one batch."""
    caught: dict[tuple[str, str], torch.Tensor] = {}
    losses = backward(reference.model, reference.layers, rows, caught.__setitem__)
    return caught, losses


def autograd_gradients(architecture, row: EncodedRow):
    """The same for one row, from peft's own unmerged layers and transformers' own loss."""
    config = LoraConfig(r=RANK, lora_alpha=SCALE * RANK, target_modules=list(LINEARS[architecture]))
    model = get_peft_model(plain_model(architecture), config).eval()
    layers = adapters(architecture)
    weights = {}
    for name, layer in layers.items():
        module = model.get_base_model().get_submodule(name)
        weights[name, "A"], weights[name, "B"] = module.lora_A.default.weight, module.lora_B.default.weight
        weights[name, "A"].data, weights[name, "B"].data = layer.a_RI.clone(), layer.b_OR.clone()
    loss = model(input_ids=torch.tensor([row.tokens]), labels=torch.tensor([row.labels])).loss
    gradients = torch.autograd.grad(loss, list(weights.values()))
    flat = [
        (gradient.T if matrix == "B" else gradient).flatten()
        for (_, matrix), gradient in zip(weights, gradients, strict=True)
    ]
    return dict(zip(weights, flat, strict=True)), loss.detach()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradients_of_a_batch_are_those_of_autograd_one_by_one(architecture):
    reference, rows = merged(architecture), some_rows(7)
    caught, losses = caught_gradients(reference, rows)
    for i, row in enumerate(rows):
        expected, loss = autograd_gradients(architecture, row)
        assert caught.keys() == expected.keys()
        assert float(losses[i]) == pytest.approx(float(loss), rel=1e-5)
        mine = torch.cat([caught[weights][i] for weights in expected])
        theirs = torch.cat(list(expected.values()))
        assert float((mine - theirs).norm() / theirs.norm()) < 1e-5
        for weights, gradient in expected.items():
            assert float((caught[weights][i] - gradient).norm() / gradient.norm()) < 1e-4, weights


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_padding_and_company_change_no_gradient(architecture):
    reference, rows = merged(architecture), some_rows(5)
    together, _ = caught_gradients(reference, rows)
    for i, row in enumerate(rows):
        alone, _ = caught_gradients(reference, [row])
        for weights, gradient in alone.items():
            error = (together[weights][i] - gradient[0]).norm() / gradient[0].norm()
            assert float(error) < 1e-5, weights


def test_an_adapter_on_some_layers_has_the_gradients_that_it_has_among_others():
    """The pass ends at the first adapted layer: here within the second block."""
    reference, rows = merged("llama"), some_rows(5)
    everywhere, losses = caught_gradients(reference, rows)
    few = {name: layer for name, layer in reference.layers.items() if ".1.mlp." in name}
    somewhere, same_losses = caught_gradients(replace(reference, layers=few), rows)
    assert {name for name, _ in somewhere} == few.keys()
    assert torch.equal(losses, same_losses)
    for weights, gradient in somewhere.items():
        assert torch.equal(gradient, everywhere[weights])


def test_a_pass_leaves_the_model_as_it_was():
    reference = merged("llama")
    tokens = torch.tensor([[1, 2, 3]])
    before = reference.model(input_ids=tokens).logits
    caught_gradients(reference, some_rows(2))
    after = reference.model(input_ids=tokens).logits
    assert torch.equal(before, after)
    assert not after.requires_grad
    assert all(weight.grad is None for weight in reference.model.parameters())


def test_batches_hold_every_row_in_order_and_no_more_places_than_allowed():
    rows = some_rows(50)
    batches = cut_batches(rows, 120)
    assert [row for batch in batches for row in batch] == rows
    assert len(batches) > 10
    for batch in batches:
        assert len(batch) == 1 or len(batch) * max(len(row.tokens) for row in batch) <= 120


def test_a_row_longer_than_a_batch_goes_alone():
    rows = some_rows(3)
    assert [len(batch) for batch in cut_batches(rows, 1)] == [1, 1, 1]
    assert cut_batches([], 1) == []
