"""Warm-up: checkpoints open as they were, and a larger share keeps the smaller one."""

import pytest
import torch
from peft import PeftModel

from jz3.core.hashing import files_digest
from jz3.influence.checkpoints import BASE, open_checkpoint
from jz3.influence.share import draw
from jz3.influence.warmup import WarmupParams
from jz3.lm.model import load_model
from tests.influence.references import WARMUP, problems, train_reference


def test_the_same_problems_give_the_same_bytes(trained, tmp_path):
    warmed_up, again = train_reference(trained.base, tmp_path / "again")
    digests = [files_digest(d.path.rglob("*.*"), d.path) for d in (trained.checkpoints, again)]
    assert digests[0] == digests[1]
    assert warmed_up.metrics.rows.kept == 14
    assert warmed_up.metrics.rows.rejected == {"warmup.not_drawn": 6}
    assert warmed_up.loss["step"].to_list() == list(range(1, warmed_up.loss.height + 1))
    assert warmed_up.loss["tokens"].is_sorted()


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
