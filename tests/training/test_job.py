"""A training that is killed at any step and resumed gives the same as one that nobody killed."""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from jz3.core.errors import UserError
from jz3.lm.checkpoints import Checkpoints, Noted
from jz3.lm.observer import Observer
from jz3.lm.preemption import Preempted
from jz3.training.methods import Bone, Lora, Miss, Pissa
from tests.lm.optimizers import MUON, OPTIMIZER
from tests.same_after_kill import assert_same_after_kill
from tests.training.trainings import FULL, some_blocks, trained

TARGETS = ["q_proj", "v_proj", "down_proj"]
METHODS = {
    "full": FULL,
    "lora": Lora(kind="lora", rank=4, alpha=8, dropout=0.1, targets=TARGETS),
    "pissa": Pissa(kind="pissa", rank=4, iterations=4, targets=TARGETS),
    "bone": Bone(kind="bone", rank=8, targets=TARGETS),
    "miss": Miss(kind="miss", rank=8, targets=TARGETS),
}


class Killed(BaseException):
    """Stops a training where kill -9 would, as far as its own process can tell."""


def killed(root, step, event, **how):
    """A training stopped at `event` of a step: before its update, after it, or before a checkpoint counts."""
    alive = getattr(Observer, event)

    def dying(self, args, state, control, **kwargs):
        if state.global_step == step:
            raise Killed
        return alive(self, args, state, control, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Observer, event, dying)
        with pytest.raises(Killed):
            trained(root, **how)


def test_one_rank_trains_on_one_device_of_a_machine_with_four(root, alone, monkeypatch):
    from transformers import TrainingArguments

    monkeypatch.setattr(TrainingArguments, "n_gpu", property(lambda _: 4))
    among_four = trained(root)
    assert among_four.loss.equals(alone.loss)
    assert same(among_four.model(12), alone.model(12))


def trained_objects():
    return [one for one in gc.get_objects() if isinstance(one, PreTrainedModel | torch.optim.Optimizer)]


def test_what_one_process_trained_is_let_go_before_the_stage_goes_on(root):
    """Trainer and observer refer to one another. On a GPU, weights and moments would otherwise stay in memory
    beside the models whose held-out losses `pretrain` computes next.
    """
    gc.collect()
    before = [id(one) for one in trained_objects()]
    gc.disable()
    try:
        done = trained(root)
        left = [one for one in trained_objects() if id(one) not in before]
    finally:
        gc.enable()
    assert not left
    done.discard()


def same(one, other):
    weights, others = one.state_dict(), other.state_dict()
    return weights.keys() == others.keys() and all(
        torch.equal(weights[name], others[name]) for name in weights
    )


@pytest.mark.parametrize(
    ("step", "event"), [(0, "on_pre_optimizer_step"), (1, "on_step_end"), (5, "on_save"), (11, "on_save")]
)
def test_losses_and_weights_after_a_kill_are_those_of_a_run_that_was_not_killed(root, alone, step, event):
    models = [alone.model(8), alone.model(12)]
    killed(root, step, event, checkpoint_steps=1)
    resumed = trained(root, checkpoint_steps=1)
    assert resumed.loss.equals(alone.loss)
    assert all(same(resumed.model(at), model) for at, model in zip((8, 12), models, strict=True))
    assert not same(*models)


@pytest.mark.parametrize("name", sorted(METHODS.keys() - {"full"}))  # which the test before has
def test_each_method_resumes_exactly(root, name):
    whole = trained(root, method=METHODS[name])
    model = whole.model(12)
    whole.discard()
    killed(root, 7, "on_step_end", method=METHODS[name], checkpoint_steps=3)
    resumed = trained(root, method=METHODS[name], checkpoint_steps=3)
    assert resumed.loss.equals(whole.loss)
    assert same(resumed.model(12), model)


# Muon gets all matrices (lora), none (bone), or some of the weights (full).
@pytest.mark.parametrize("name", ["full", "lora", "bone"])
def test_muon_resumes_exactly_whatever_the_method_leaves_it_to_train(root, name):
    told = {"optimizer": MUON, "method": METHODS[name]}
    whole = trained(root, **told)
    whole.discard()
    killed(root, 7, "on_step_end", **told, checkpoint_steps=3)
    assert trained(root, **told, checkpoint_steps=3).loss.equals(whole.loss)


@pytest.mark.parametrize(
    "places",
    [
        ((6, "on_step_end"),),  # an epoch's end
        ((3, "on_step_end"), (8, "on_save")),  # two resumes in a row
        pytest.param(tuple((step, "on_step_end") for step in range(1, 12)), marks=pytest.mark.long),
    ],
)
def test_a_training_that_is_killed_again_and_again_is_the_same(root, alone, places):
    assert_same_after_kill(
        lambda: alone.loss,
        lambda place: killed(root, *place, checkpoint_steps=1),
        lambda: trained(root, checkpoint_steps=1).loss,
        places,
        lambda one, other: one.equals(other),
    )


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("optimizer.pt", Path.unlink),
        ("scheduler.pt", Path.unlink),
        ("trainer_state.json", lambda path: path.write_bytes(b"")),
        ("notes.json", lambda path: path.write_bytes(path.read_bytes()[:99])),
        ("notes.json", lambda path: path.write_text("[]")),
        ("notes.json", lambda path: path.write_text('{"identity": {}, "progress": {}, "files": []}')),
        ("notes.json", lambda path: path.write_text("[" * 100_000)),
        ("notes.json", lambda path: (path.unlink(), path.mkdir())),
        ("weights.safetensors", lambda path: path.write_bytes(path.read_bytes()[:-1])),
    ],
)
def test_a_training_goes_on_from_the_checkpoint_before_a_damaged_one(root, alone, own_store, file, damage):
    killed(root, 9, "on_step_end", checkpoint_steps=2, checkpoints_kept=2)
    (own_store / "checkpoints/checkpoint-of-mine").mkdir()
    (last,) = own_store.glob("checkpoints/*/checkpoint-8")
    damage(last / file)
    assert trained(root, checkpoint_steps=2).loss.equals(alone.loss)


def test_where_no_whole_checkpoint_is_left_one_line_says_what_to_delete(root, own_store):
    killed(root, 5, "on_step_end", checkpoint_steps=4)
    (only,) = own_store.glob("checkpoints/*/checkpoint-4")
    (only / "optimizer.pt").unlink()
    with pytest.raises(UserError, match=r"optimizer.pt is missing; .* Delete .* to train from the start"):
        trained(root, checkpoint_steps=4)


@pytest.mark.parametrize("file", ["weights.safetensors", "optimizer.pt"])
def test_a_checkpoint_of_the_right_length_that_cannot_be_read_is_one_line(root, own_store, file):
    killed(root, 5, "on_step_end", checkpoint_steps=4)
    (last,) = own_store.glob("checkpoints/*/checkpoint-4")
    (last / file).write_bytes(bytes((last / file).stat().st_size))
    with pytest.raises(UserError, match=r"cannot be read .* Delete it to go on from the one before"):
        trained(root, checkpoint_steps=4)


def test_a_run_without_its_optimizer_state_would_differ(root, alone):
    """Guard: the comparison above can tell an exact resume from one that only keeps the weights."""
    killed(root, 7, "on_step_end", checkpoint_steps=3)
    (checkpoint,) = (root / "store" / "checkpoints").glob("*/checkpoint-6")
    state = torch.load(checkpoint / "optimizer.pt", weights_only=True)
    for moments in state["state"].values():
        moments["exp_avg"].zero_()
    torch.save(state, checkpoint / "optimizer.pt")
    assert not trained(root, checkpoint_steps=3).loss.equals(alone.loss)


def test_the_last_checkpoints_stay_while_it_runs_and_none_once_it_is_discarded(root, own_store):
    killed(root, 9, "on_step_end", checkpoint_steps=2, checkpoints_kept=2)
    found = sorted(path.name for path in own_store.glob("checkpoints/*/checkpoint-*"))
    assert found == ["checkpoint-6", "checkpoint-8"]
    done = trained(root, checkpoint_steps=2, checkpoints_kept=2)
    done.discard()
    assert not list(own_store.glob("checkpoints/*"))


def test_a_short_training_has_checkpoints_by_its_share_and_a_users_file_among_them_stays(root, own_store):
    killed(root, 9, "on_step_end", checkpoint_share=0.25)
    (checkpoint,) = own_store.glob("checkpoints/*/checkpoint-*")
    assert checkpoint.name == "checkpoint-6", "every third step of twelve, of which the last one stays"
    (checkpoint.parent / "checkpoint-best").mkdir()
    (checkpoint.parent / "checkpoint-best" / "notes.txt").write_text("precious")
    trained(root, checkpoint_share=0.25).discard()
    left = [path for path in checkpoint.parent.rglob("*") if path.is_file()]
    assert left == [checkpoint.parent / "checkpoint-best" / "notes.txt"]


def test_a_step_that_ends_minutes_after_the_last_checkpoint_leaves_one(root, alone, own_store):
    killed(root, 7, "on_step_end", checkpoint_minutes=1e-9)
    assert checkpoints_in(own_store) == ["checkpoint-6"]
    resumed = trained(root)
    assert resumed.loss.equals(alone.loss)
    assert checkpoints_in(own_store) == ["checkpoint-6"], "within the minutes there is no other"


def test_other_data_or_parameters_have_a_directory_of_their_own(root, own_store):
    trained(root)
    trained(root, blocks=some_blocks(seed=1))
    trained(root, optimizer=OPTIMIZER.model_copy(update={"learning_rate": 1e-3}))
    trained(root, seed=1)
    trained(root, method=METHODS["lora"])
    assert len(list(own_store.glob("checkpoints/*"))) == 5


def test_a_checkpoint_of_other_data_is_refused(root, own_store):
    killed(root, 5, "on_step_end", checkpoint_steps=2)
    (checkpoint,) = own_store.glob("checkpoints/*/checkpoint-4")
    notes = json.loads((checkpoint / "notes.json").read_text())
    notes["identity"] |= {"blocks": "of other data", "seed": "7"}
    (checkpoint / "notes.json").write_text(json.dumps(notes))
    with pytest.raises(UserError, match=r"is a checkpoint of another training \(other blocks, seed\)"):
        trained(root, checkpoint_steps=2)


def test_a_second_process_at_the_same_training_is_refused_by_a_line_that_names_the_first(root):
    first = trained(root)
    with pytest.raises(UserError, match=rf"process {os.getpid()} trains the same data with the same param"):
        trained(root)
    first.discard()
    trained(root).discard()


def test_a_training_that_ended_in_an_error_does_not_block_the_next(root):
    killed(root, 5, "on_step_end")
    trained(root).discard()


def test_a_checkpoint_whose_writing_was_killed_does_not_count(tmp_path):
    checkpoints = Checkpoints(tmp_path, {"a": "b"}, every=1, kept=3)
    for step in (2, 9, 10):
        (tmp_path / f"checkpoint-{step}").mkdir()
    checkpoints.complete(9, Noted(points=[{}] * 9, label_tokens=[1] * 9))
    assert checkpoints.latest() == tmp_path / "checkpoint-9"


def kill_after_checkpoint(root, store, step, *ranks):
    """Start the training as a process; kill -9 it once the checkpoint of that step exists."""
    running = start(root, store, *ranks)
    deadline = time.monotonic() + 120
    while not list(store.glob(f"checkpoints/*/checkpoint-{step}/notes.json")):
        assert running.poll() is None, "the training ended before it was killed"
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL


def start(root, store, *ranks):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.training.trainings", str(root), *map(str, ranks)],
        env=os.environ | {"JZ3_STORE": str(store), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
    )


def test_a_process_that_is_killed_goes_on_to_the_same_losses(root, alone, own_store):
    kill_after_checkpoint(root, own_store, 4, 1, "zero2")
    resumed = trained(root, checkpoint_steps=1, trackers=["dvclive"])
    assert resumed.loss.equals(alone.loss)
    live = (root / "live" / "plots" / "metrics" / "loss.tsv").read_text().splitlines()
    assert live[0].split("\t") == ["step", "loss"]
    assert live[-1].split("\t")[0] == "12"


def signalled(number, step):
    """Sends a signal within a step, before its update."""
    alive = Observer.on_pre_optimizer_step

    def told(self, args, state, control, **kwargs):
        if state.global_step == step:
            os.kill(os.getpid(), number)
        return alive(self, args, state, control, **kwargs)

    return told


def checkpoints_in(store):
    return sorted(path.name for path in store.glob("checkpoints/*/checkpoint-*"))


def test_sigterm_ends_a_training_with_a_checkpoint_of_the_step_in_flight(root, alone, own_store, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    with monkeypatch.context() as patch:
        patch.setattr(Observer, "on_pre_optimizer_step", signalled(signal.SIGTERM, 5))
        with pytest.raises(Preempted, match=r"\(SIGTERM\) and did so at step 6 of 12, .*goes on at step 6"):
            trained(root)
    assert checkpoints_in(own_store) == ["checkpoint-6"]
    assert signal.getsignal(signal.SIGTERM) == before
    resumed = trained(root)
    assert resumed.loss.equals(alone.loss)
    assert same(resumed.model(12), alone.model(12))


def test_sigusr1_leaves_a_checkpoint_and_the_training_goes_on(root, own_store, monkeypatch):
    monkeypatch.setattr(Observer, "on_pre_optimizer_step", signalled(signal.SIGUSR1, 3))
    assert trained(root).loss.height == 12
    assert checkpoints_in(own_store) == ["checkpoint-4"]
