"""Warm-up: checkpoints open unchanged, and a larger share contains the smaller one."""

import numpy as np
import pytest
import torch
from peft import PeftModel
from safetensors.numpy import load_file

from jz3.core.hashing import files_digest
from jz3.influence.checkpoints import BASE, open_checkpoint
from jz3.influence.share import draw
from jz3.influence.warmup_training import WarmupParams
from jz3.lm.model import load_model
from jz3.lm.observer import Observer
from tests.influence.references import WARMUP, problems, train_reference


def test_the_same_problems_give_the_same_bytes(trained, tmp_path):
    warmed_up, again = train_reference(trained.base, tmp_path / "again")
    digests = [files_digest(d.path.rglob("*.*"), d.path) for d in (trained.checkpoints, again)]
    assert digests[0] == digests[1]
    assert warmed_up.metrics.rows.kept == 14
    assert warmed_up.metrics.rows.rejected == {"warmup.not_drawn": 6}
    assert warmed_up.loss["step"].to_list() == list(range(1, warmed_up.loss.height + 1))
    assert warmed_up.loss["tokens"].is_sorted()


@pytest.mark.parametrize("killed_at", [(1,), (2, 5), (3, 6), (4, 7)])
def test_a_run_that_was_interrupted_goes_on_to_the_same_bytes(trained, tmp_path, monkeypatch, killed_at):
    """Steps are counted through both trainings: the kills fall within the first, at its end, and at an
    epoch's end.
    """
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    alive = Observer.on_step_end
    waiting, steps = list(killed_at), []

    def interrupted(self, args, state, control, **kwargs):
        steps.append(state.global_step)
        if waiting and len(steps) == waiting[0]:
            waiting.pop(0)
            raise KeyboardInterrupt
        return alive(self, args, state, control, **kwargs)

    monkeypatch.setattr(Observer, "on_step_end", interrupted)
    for _ in killed_at:
        with pytest.raises(KeyboardInterrupt):
            train_reference(trained.base, tmp_path / "killed", checkpoint_steps=1)
    warmed_up, _ = train_reference(trained.base, tmp_path / "killed", checkpoint_steps=1)
    whole = trained.checkpoints.path
    assert files_digest((tmp_path / "killed").rglob("*.*"), tmp_path / "killed") == files_digest(
        whole.rglob("*.*"), whole
    )
    assert len(steps) <= warmed_up.loss.height + 2 * len(killed_at), "it began again"
    assert not list((tmp_path / "store").glob("checkpoints/*")), "what is done needs no checkpoint"


def test_an_opened_checkpoint_computes_what_peft_computes(trained):
    manifest, path = trained.checkpoints.manifest(), trained.checkpoints.path
    tokens = torch.tensor([[5, 6, 7, 8, 9]])
    plain = load_model(path / BASE, "float32")(input_ids=tokens).logits
    seen = []
    for checkpoint in manifest.checkpoints:
        reference = open_checkpoint(path / BASE, path / checkpoint.directory, "fp32", "cpu")
        adapted = PeftModel.from_pretrained(load_model(path / BASE, "float32"), path / checkpoint.directory)
        merged = reference.model(input_ids=tokens).logits
        assert torch.allclose(merged, adapted(input_ids=tokens).logits, atol=1e-5)
        assert not torch.allclose(merged, plain, atol=1e-4)
        assert all(float(moments.second_D.sum()) > 0 for moments in reference.moments.values())
        seen.append(merged)
    assert len(seen) == 2
    assert not torch.equal(*seen)
    assert len(reference.layers) == 4
    assert manifest.checkpoints[0].mean_learning_rate > manifest.checkpoints[1].mean_learning_rate > 0


def test_a_larger_share_keeps_the_problems_of_a_smaller_one():
    ids = [set(draw(problems(), share, 0)["problem_id"]) for share in (0.001, 0.2, 0.5, 1.0)]
    assert [len(drawn) for drawn in ids] == [1, 4, 10, 20]
    assert ids[0] < ids[1] < ids[2] < ids[3]
    assert set(draw(problems(), 0.5, 1)["problem_id"]) != ids[2]


def test_an_adapter_without_the_moments_of_adamw_is_refused():
    asked = WARMUP.model_dump()
    asked["optimizer"]["muon"] = {"learning_rate": 0.02, "momentum": 0.95}
    with pytest.raises(ValueError, match="needs the moments of AdamW"):
        WarmupParams.model_validate(asked)


@pytest.mark.long
@pytest.mark.usefixtures("forked_ranks")
def test_ranks_warm_up_as_one_process_does(trained, tmp_path, monkeypatch):
    """All weights under ZeRO, then the adapter on each rank; float32 sums are added in another order."""
    monkeypatch.setenv("JZ3_STORE", str(tmp_path / "store"))
    adapter = WARMUP.adapter.model_copy(update={"dropout": 0.0})  # ranks draw dropout for different blocks
    params = WARMUP.model_copy(update={"adapter": adapter})
    (whole, one), (shared, two) = (
        train_reference(trained.base, tmp_path / str(ranks), params, ranks=ranks) for ranks in (1, 2)
    )
    for name in ("loss", "gradient_norm"):
        np.testing.assert_allclose(whole.loss[name], shared.loss[name], rtol=1e-5)
    for name in ("step", "tokens", "learning_rate"):
        assert whole.loss[name].equals(shared.loss[name])
    files = sorted(file.relative_to(one.path) for file in one.path.rglob("*.safetensors"))
    assert len(files) == 7
    for file in files:
        weights, others = load_file(one.path / file), load_file(two.path / file)
        assert weights.keys() == others.keys()
        for name in weights:
            np.testing.assert_allclose(
                weights[name], others[name], atol=1e-2 if "exp" not in str(file) else 1e-4
            )
    assert not list((tmp_path / "store").glob("checkpoints/*")), "what is done needs no checkpoint"
