"""Ranks under ZeRO train as one process does: same losses, same weights, same global batch.

The tolerance: float32 sums are taken in another order (over ranks, over partitions), which moves a loss of 5
by some 1e-7 in the first step; twelve steps of a rate of 1e-2 let it grow. Measured: 4e-7. Another global
batch moves the first gradient's norm by more than a thousand times the tolerance (asserted).
"""

import numpy as np
import pytest

from jz3.core.errors import UserError
from tests.lm.test_train import MUON, OPTIMIZER
from tests.training.test_job import kill_after_checkpoint
from tests.training.trainings import build_base, trained

TOLERANCE = 1e-5
BF16 = OPTIMIZER.model_copy(update={"precision": "bf16"})


@pytest.fixture
def root(tmp_path):
    build_base(tmp_path / "base")
    return tmp_path


def agree(one, other, tolerance=TOLERANCE):
    for name in ("loss", "gradient_norm"):
        np.testing.assert_allclose(one.loss[name], other.loss[name], rtol=tolerance)
    for name in ("step", "tokens", "learning_rate"):
        assert one.loss[name].equals(other.loss[name])
    for at in (8, 12):
        weights, others = one.model(at).state_dict(), other.model(at).state_dict()
        assert weights.keys() == others.keys()
        for key in weights:
            np.testing.assert_allclose(weights[key], others[key], atol=1e3 * tolerance)


def test_two_ranks_under_zero_2_train_as_one_process(root):
    agree(trained(root), trained(root, ranks=2, zero=2))
    norm, of_other_batch = (trained(root, blocks_per_step=size).loss["gradient_norm"][0] for size in (4, 8))
    assert abs(norm / of_other_batch - 1) > 1000 * TOLERANCE, "another batch would not have been seen"


@pytest.mark.long
@pytest.mark.parametrize(("zero", "ranks"), [(1, 2), (3, 2), (2, 4), (3, 4)])
def test_every_stage_and_number_of_ranks_trains_as_one_process(root, zero, ranks):
    agree(trained(root), trained(root, ranks=ranks, zero=zero))


@pytest.mark.long
def test_ranks_in_bf16_train_as_one_process_in_bf16(root):
    """Autocast over weights in float32, here and there; sums in another order may round to another bf16."""
    agree(trained(root, optimizer=BF16), trained(root, optimizer=BF16, ranks=2, zero=2), tolerance=2e-3)


@pytest.mark.long
@pytest.mark.parametrize("zero", [2, 3])
def test_ranks_that_are_killed_go_on_to_the_same_losses_and_weights(root, own_store, zero):
    whole = trained(root, ranks=2, zero=zero)
    model = whole.model(12).state_dict()
    whole.discard()
    kill_after_checkpoint(root, own_store, 5, 2, zero)
    resumed = trained(root, ranks=2, zero=zero, checkpoint_steps=1)
    assert resumed.loss.equals(whole.loss)
    for name, weight in resumed.model(12).state_dict().items():
        assert np.array_equal(weight, model[name]), name


@pytest.mark.long
def test_a_training_that_cannot_go_on_ends_the_stage_with_the_ranks_message(root, capfd):
    with pytest.raises(UserError, match="the ranks of test ended with status 1 and left no loss"):
        trained(root, optimizer=OPTIMIZER.model_copy(update={"learning_rate": 1e30}), ranks=2, zero=2)
    assert "a finite loss and a norm of at most 1000 were expected" in capfd.readouterr().err


def test_muon_is_refused_on_several_ranks(root):
    with pytest.raises(UserError, match=r"muon needs whole matrices, which 2 ranks share out"):
        trained(root, optimizer=MUON, ranks=2)


def test_a_host_file_of_other_size_or_form_is_refused(root):
    hosts = root / "hosts"
    hosts.write_text("one slots=2\ntwo slots=2\n")
    with pytest.raises(UserError, match=r"has 4 slots; execution\.ranks is 3"):
        trained(root, ranks=3, hostfile=str(hosts))
    hosts.write_text("one two three")
    with pytest.raises(UserError, match="lines like `host slots=8` were expected"):
        trained(root, ranks=3, hostfile=str(hosts))
