"""Ranks under FSDP2 and ZeRO train as one process does: same losses, same weights, same global batch.

Torchrun starts the ranks of three of these tests; those of the others are forked (`tests/forked_ranks.py`).

The tolerance: float32 sums are taken in a different order (over ranks, over partitions), which changes a loss
of 5 by some 1e-7 in the first step; over twelve steps at a rate of 1e-2 it grows. Measured: 4e-7. A different
global batch changes the first gradient's norm by more than a thousand times the tolerance (asserted).
"""

import subprocess

import numpy as np
import polars as pl
import pytest
import yaml

from jz3.core.artifacts import Out
from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.lm.plan import epoch_plan
from jz3.lm.preemption import Preempted
from jz3.lm.sharded import check_shards
from jz3.lm.tokenizer import train_tokenizer
from jz3.lm.trainer import pieces_of_a_step
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.training.base import ConfigModel, build
from jz3.training.methods import Lora
from tests import executions
from tests.conftest import make_clone
from tests.lm.optimizers import MUON, OPTIMIZER
from tests.lm.texts import TEXTS
from tests.same_after_kill import run_stage
from tests.stage_folder import set_values
from tests.training.test_finetune import kd_set
from tests.training.test_job import kill_after_checkpoint
from tests.training.trainings import build_base, some_blocks, trained

TOLERANCE = 1e-5
BF16 = OPTIMIZER.model_copy(update={"precision": "bf16"})


@pytest.fixture(scope="module")
def shared_root(tmp_path_factory):
    """With four layers: of two, FSDP2 gathers one while the other computes, and there is no third."""
    root = tmp_path_factory.mktemp("shared")
    build_base(root / "base", layers=4)
    return root


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


def test_two_ranks_that_torchrun_starts_train_as_one_process(root, alone):
    agree(alone, trained(root, ranks=2, sharding="fsdp"))
    norm, of_other_batch = (run.loss["gradient_norm"][0] for run in (alone, trained(root, blocks_per_step=8)))
    assert abs(norm / of_other_batch - 1) > 1000 * TOLERANCE, "another batch would not have been seen"


@pytest.mark.long
@pytest.mark.usefixtures("forked_ranks")
@pytest.mark.parametrize(
    ("sharding", "ranks"), [("none", 2), ("zero1", 2), ("zero2", 2), ("zero3", 4), ("fsdp", 4)]
)
def test_every_sharding_and_number_of_ranks_trains_as_one_process(root, alone, sharding, ranks):
    agree(alone, trained(root, ranks=ranks, sharding=sharding))


@pytest.mark.long
@pytest.mark.usefixtures("forked_ranks")
def test_one_rank_under_fsdp_trains_as_a_process_without_it(root, alone):
    """On a GPU it computes in bf16 from layer to layer, which the stage's own process does not."""
    agree(alone, trained(root, sharding="fsdp"))


@pytest.mark.long
@pytest.mark.usefixtures("forked_ranks")
def test_ranks_that_read_a_step_in_eight_pieces_train_as_one_process(root):
    blocks = some_blocks(count=160)
    plan = epoch_plan(len(blocks), 2, 16, seed=3)
    assert pieces_of_a_step(plan, training_batch=1, ranks=2) == 2 * 8
    one = trained(root, blocks, blocks_per_step=16)
    for sharding in ("fsdp", "zero1", "zero2", "zero3"):
        agree(one, trained(root, blocks, blocks_per_step=16, training_batch=1, ranks=2, sharding=sharding))


@pytest.mark.long
@pytest.mark.usefixtures("forked_ranks")
def test_ranks_in_bf16_train_as_one_process_in_bf16(tmp_path):
    """Autocast over weights in float32, here and under ZeRO; sums in another order may round to another bf16.

    Measured with two layers: 2.3e-3 on a CPU with AMX, below 2e-3 on one without; a bf16 has 8 bits. FSDP
    gathers weights in bf16, so that activations between layers are rounded, too: 6e-4 of a loss, 7e-3 of a
    norm. Roundings add up over layers: with four, the norm of the last step is 1.7e-2 off under ZeRO.
    """
    build_base(tmp_path / "base")
    one = trained(tmp_path, optimizer=BF16)
    agree(one, trained(tmp_path, optimizer=BF16, ranks=2, sharding="zero2"), tolerance=2**-8)
    agree(one, trained(tmp_path, optimizer=BF16, ranks=2, sharding="fsdp"), tolerance=2**-6)


@pytest.mark.long
@pytest.mark.parametrize("sharding", ["fsdp", "zero3"])
def test_ranks_that_are_killed_go_on_to_the_same_losses_and_weights(root, own_store, forked_ranks, sharding):
    """Killed twice: the second time after it went on from a checkpoint."""
    whole = trained(root, ranks=2, sharding=sharding)
    model = whole.model(12).state_dict()
    whole.discard()
    for step in (4, 8):
        kill_after_checkpoint(root, own_store, step, 2, sharding, *forked_ranks)
    resumed = trained(root, ranks=2, sharding=sharding, checkpoint_steps=1)
    assert resumed.loss.equals(whole.loss)
    for name, weight in resumed.model(12).state_dict().items():
        assert np.array_equal(weight, model[name]), name


@pytest.mark.long
@pytest.mark.usefixtures("forked_ranks")
def test_ranks_leave_a_checkpoint_once_the_first_of_them_finds_the_last_one_old(root, own_store):
    trained(root, ranks=2, sharding="fsdp", checkpoint_minutes=1e-9)
    (checkpoint,) = own_store.glob("checkpoints/*/checkpoint-*")
    assert checkpoint.name == "checkpoint-11", "the last one before the end"


@pytest.mark.long
@pytest.mark.usefixtures("forked_ranks")
def test_a_training_that_cannot_go_on_ends_the_stage_with_the_ranks_message(root, capfd):
    with pytest.raises(UserError, match="the ranks of test ended with status 1 and left no loss"):
        trained(
            root, optimizer=OPTIMIZER.model_copy(update={"learning_rate": 1e30}), ranks=2, sharding="fsdp"
        )
    assert "a finite loss and a norm of at most 1000 were expected" in capfd.readouterr().err


NOTES_ITS_RANK = """
import os
if "WORLD_SIZE" in os.environ:
    with open(os.environ["JZ3_TEST_RANKS"], "a") as file:
        file.write(f"{os.environ['RANK']} of {os.environ['WORLD_SIZE']}\\n")
"""
ABORTS_AT_EXIT = """
import os
if "WORLD_SIZE" in os.environ:
    os._exit = lambda status: os.abort()
"""


def in_every_process(root, monkeypatch, code):
    """Make Python run `code` at the start of each process started from here."""
    (root / "site").mkdir()
    (root / "site" / "sitecustomize.py").write_text(code)
    monkeypatch.setenv("PYTHONPATH", str(root / "site"))


@pytest.mark.long
def test_ranks_that_abort_at_their_exit_do_not_fail_a_training_that_is_written(
    root, alone, monkeypatch, capfd
):
    in_every_process(root, monkeypatch, ABORTS_AT_EXIT)
    agree(alone, trained(root, ranks=2, sharding="zero3"))
    assert "SIGABRT" in capfd.readouterr().err, "no rank aborted: nothing was tested"


@pytest.mark.long
def test_dvc_repro_starts_the_ranks_of_the_profile_with_the_same_command(tmp_path):
    clone, noted = clone_for_finetune(tmp_path / "clone", ranks=2), tmp_path / "noted"
    environment = clone.environment | {"JZ3_TEST_RANKS": str(noted)}
    environment["PYTHONPATH"] += f":{clone.path}/site"
    subprocess.run(
        ["dvc", "repro", "-s", "code", "finetune@initial"], cwd=clone.path, env=environment, check=True
    )
    assert set(noted.read_text().splitlines()) == {"0 of 2", "1 of 2"}
    points = clone.path / "data/plots/finetune/initial.csv"
    by_two = pl.read_csv(points)["loss"].to_list()
    locked = yaml.safe_load((clone.path / "dvc.lock").read_text())["stages"]["finetune@initial"]
    points.unlink()
    set_values(clone.path / "execution.yaml", {"ranks": 1})
    run_stage(locked["cmd"], clone.path, tmp_path / "store")
    np.testing.assert_allclose(pl.read_csv(points)["loss"], by_two, rtol=2e-2)  # bf16, and sums of two ranks


def clone_for_finetune(path, ranks):
    """The repository on the test profile, with a KD set and a base, and with `ranks` ranks."""
    path.mkdir()
    clone = make_clone(path)
    set_values(path / "params.yaml", {"finetune.initial.optimizer.muon": None})
    set_values(path / "execution.yaml", {"ranks": ranks})
    problems, prompts = kd_set(60)
    Out(Problem, path / "data/kd/initial.parquet").write(problems)
    Out(Prompt, path / "data/composed/initial").write(prompts)
    base = path / "data/models/base/synthesis"
    base.mkdir(parents=True)
    params = yaml.safe_load((path / "params.yaml").read_text())
    length = params["finetune"]["initial"]["block_length"]
    config = ConfigModel(
        kind="config", hidden_size=32, layers=2, heads=2, mlp=64, seed=0, max_positions=length, training=None
    )
    build(config, train_tokenizer(TEXTS, 400), base)
    (path / "site").mkdir()
    (path / "site" / "sitecustomize.py").write_text(NOTES_ITS_RANK)
    return clone


@pytest.mark.parametrize("sharding", ["fsdp", "zero2"])
def test_muon_is_refused_on_ranks_that_share_matrices_out(root, sharding):
    with pytest.raises(
        UserError, match=rf"muon needs whole matrices, which 2 ranks share out under {sharding}"
    ):
        trained(root, optimizer=MUON, ranks=2, sharding=sharding)


def test_an_adapter_is_refused_under_fsdp(root):
    adapter = Lora(kind="lora", rank=2, alpha=2.0, dropout=0.0, targets=["q_proj"])
    with pytest.raises(UserError, match="method lora trains an adapter, which 2 ranks do not share out"):
        trained(root, method=adapter, ranks=2, sharding="fsdp")


def test_rows_that_shards_do_not_divide_are_refused():
    """With 301 rows on two ranks the loss of the third step was 3 % off."""
    check_shards({"model.embed_tokens.weight": 300, "model.norm.weight": 32}, 2)
    with pytest.raises(UserError, match=r"embed_tokens.weight has 301 rows, which 2 shards do not divide"):
        check_shards({"model.embed_tokens.weight": 301}, 2)


def test_a_profile_with_the_old_field_is_refused_with_what_to_write():
    with pytest.raises(ValueError, match=r"is now a mapping, `{warmup: 1}`; write that in its place"):
        executions.execution(gradient_checkpointing=["warmup"])
    with pytest.raises(ValueError, match=r"`zero: 3` is now `sharding: zero3`; write that in its place"):
        Execution.model_validate(executions.ONE_OF_EACH | {"zero": 3})


TELLS_THE_STAGE = """
import os, signal, sys, threading, time

def told(alive):
    def step(self, args, state, control, **kwargs):
        if state.global_step == 5:
            os.kill(int(os.environ["JZ3_STAGE_PID"]), signal.SIGTERM)
        time.sleep(0.2)
        return alive(self, args, state, control, **kwargs)
    return step

def patch():
    while not hasattr(sys.modules.get("jz3.lm.observer"), "Observer"):
        time.sleep(0.001)
    observer = sys.modules["jz3.lm.observer"].Observer
    observer.on_pre_optimizer_step = told(observer.on_pre_optimizer_step)

if os.environ.get("RANK") == "1":
    threading.Thread(target=patch, daemon=True).start()
"""


@pytest.mark.long
def test_ranks_whose_stage_is_asked_to_end_leave_a_checkpoint_within_two_steps_and_go_on_from_it(
    root, own_store, monkeypatch, forked_ranks
):
    whole = trained(root, ranks=2, sharding="zero2")
    losses = whole.loss
    whole.discard()
    with monkeypatch.context() as patch:
        in_every_process(root, patch, TELLS_THE_STAGE)
        with pytest.raises(Preempted, match=r"at step [678] of 12"):
            trained(root, ranks=2, sharding="zero2")
    (checkpoint,) = own_store.glob("checkpoints/*/checkpoint-*")
    assert checkpoint.name in ("checkpoint-6", "checkpoint-7", "checkpoint-8")
    assert trained(root, ranks=2, sharding="zero2").loss.equals(losses)
