"""A merged adapter computes what it computed before, and the merged model reloads as it was saved."""

import pytest
import torch

from jz3.lm.model import load_model, load_tokenizer, save_model
from jz3.training.methods import adapted, merged
from tests.training.test_job import METHODS
from tests.training.trainings import build_base

NAMES = [name for name in METHODS if name != "full"]
TOKENS = torch.arange(3, 43).reshape(2, 20)
MERGED = 1e-4
"""Largest difference of a logit: one sum is taken in a different order (peft's own are at most 5e-6
apart).
"""


@pytest.fixture(scope="module")
def base_model(tmp_path_factory):
    return build_base(tmp_path_factory.mktemp("methods") / "base")


def moved(base, name):
    """The base under an adapter whose weights have all moved, as after a training."""
    model = adapted(load_model(base, "float32"), METHODS[name], seed=0).eval()
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad:
                weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return model


def logits(model):
    with torch.no_grad():
        return model.eval()(input_ids=TOKENS, use_cache=False).logits


@pytest.mark.parametrize("name", NAMES)
def test_a_new_adapter_leaves_the_logits_of_the_base(base_model, name):
    fresh = adapted(load_model(base_model, "float32"), METHODS[name], seed=0)
    torch.testing.assert_close(logits(fresh), logits(load_model(base_model, "float32")), rtol=0, atol=MERGED)


@pytest.mark.parametrize("name", NAMES)
def test_merged_weights_give_the_logits_of_the_adapter(base_model, name):
    model = moved(base_model, name)
    before, untouched = logits(model), logits(load_model(base_model, "float32"))
    assert (before - untouched).abs().max() > 100 * MERGED, "the adapter does nothing: nothing was compared"
    plain = merged(model, METHODS[name])
    torch.testing.assert_close(logits(plain), before, rtol=0, atol=MERGED)
    assert {key for key in plain.state_dict() if "lora" in key or "miss" in key} == set()


@pytest.mark.parametrize("name", METHODS)
def test_a_saved_model_reloads_equal(base_model, tmp_path, name):
    plain = merged(moved(base_model, name), METHODS[name])
    save_model(tmp_path, plain, load_tokenizer(base_model), made_by="test", steps=1, tokens=1)
    again = load_model(tmp_path, "float32")
    assert again.state_dict().keys() == plain.state_dict().keys()
    assert all(torch.equal(weight, plain.state_dict()[key]) for key, weight in again.state_dict().items())
    assert torch.equal(logits(again), logits(plain))
    assert [file.name for file in tmp_path.glob("*.safetensors")] == ["model.safetensors"]


def test_an_adapter_reloaded_by_its_parts_alone_would_be_another(base_model):
    """Why merged weights are saved: PiSSA draws again what is under the adapter (seeds 0 and 1)."""
    one, other = (adapted(load_model(base_model, "float32"), METHODS["pissa"], seed) for seed in (0, 1))
    parts = {name: weight for name, weight in one.state_dict().items() if "lora_" in name}
    other.load_state_dict(parts, strict=False)
    assert (logits(one) - logits(other)).abs().max() > 100 * MERGED
