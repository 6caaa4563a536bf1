"""Laws of the training loop: how a step is cut changes nothing, and it is stated what is read and when."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from jz3.core.execution import Execution
from jz3.lm.blocks import pack_rows
from jz3.lm.encode import IGNORED_LABEL, EncodedRow
from jz3.lm.plan import Plan, TrainingError, epoch_plan
from jz3.lm.schedule import WarmupCosine, WarmupStableDecay
from jz3.lm.train import train
from jz3.lm.training import Training
from jz3.lm.weights import read_weights
from tests import executions
from tests.lm.optimizers import OPTIMIZER


def execution(training_batch: int = 4, **changes) -> Execution:
    return executions.execution(generation_commit=1, training_batch=training_batch, **changes)


def tiny_model(seed: int = 0, vocabulary: int = 64) -> LlamaForCausalLM:
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=64,
            max_position_embeddings=64,
            tie_word_embeddings=True,
        )
    )


def some_blocks(rows: int = 40):
    generator = np.random.default_rng(0)
    encoded = []
    for _ in range(rows):
        length = int(generator.integers(4, 30))
        tokens = generator.integers(1, 64, length).tolist()
        masked = int(generator.integers(0, length))
        encoded.append(EncodedRow(tokens, [IGNORED_LABEL] * masked + tokens[masked:]))
    return pack_rows(dict(enumerate(encoded)), 32, 0)


COSINE = WarmupCosine(warm_up=0.0)


def trained(
    model, blocks, plan, schedule=COSINE, optimizer=OPTIMIZER, run=None, keep=None, hook=None, what="test",
    **others,
):  # fmt: skip
    training = Training(
        what=what, blocks=blocks, plan=plan, schedule=schedule, optimizer=optimizer, seed=0,
        execution=run or execution(), keep=keep or {}, on_epoch_end=hook, **others,
    )  # fmt: skip
    return train(model, training)


def bare_loop(model, blocks, plan, schedule) -> list[float]:
    """The same training in plain torch: the reference."""
    model.config.use_cache = False
    weights = list(model.parameters())
    optimizer = torch.optim.AdamW(
        [
            {"params": [w for w in weights if w.ndim > 1], "weight_decay": OPTIMIZER.weight_decay},
            {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
        ],
        betas=(OPTIMIZER.beta1, OPTIMIZER.beta2),
        eps=OPTIMIZER.epsilon,
    )
    losses = []
    for step, chosen in enumerate(plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = OPTIMIZER.learning_rate * schedule(step, len(plan.steps))
        logits = model(
            input_ids=torch.tensor(blocks.tokens[chosen]).long(),
            position_ids=torch.tensor(blocks.positions[chosen]).long(),
        ).logits
        loss = torch.nn.functional.cross_entropy(
            logits[:, :-1].flatten(0, 1), torch.tensor(blocks.labels[chosen]).long()[:, 1:].flatten()
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, OPTIMIZER.gradient_clip)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
    return losses


WSD = WarmupStableDecay(warm_up=0.2, stable=0.6, floor=0.1)


@pytest.mark.parametrize("training_batch", [1, 3, 8])
def test_losses_and_weights_are_those_of_a_plain_loop_however_the_steps_are_cut(training_batch):
    blocks, model, reference = some_blocks(), tiny_model(), tiny_model()
    plan = epoch_plan(len(blocks), 2, 5, seed=3)
    points = trained(model, blocks, plan, WSD, run=execution(training_batch))
    losses = bare_loop(reference, blocks, plan, WSD)
    np.testing.assert_allclose(points["loss"], losses, rtol=1e-4)
    for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-4)
    expected = [OPTIMIZER.learning_rate * WSD(step, len(plan.steps)) for step in range(len(plan.steps))]
    np.testing.assert_allclose(points["learning_rate"], expected, rtol=1e-12)
    assert points["tokens"][-1] == 2 * (blocks.documents > 0).sum()
    assert model.config.use_cache


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_same_inputs_give_the_same_weights(precision):
    optimizer = OPTIMIZER.model_copy(update={"precision": precision})
    blocks = some_blocks()
    plan = epoch_plan(len(blocks), 1, 4, seed=3)
    first, second = tiny_model(), tiny_model()
    one = trained(first, blocks, plan, optimizer=optimizer)
    torch.rand(5)
    other = trained(second, blocks, plan, optimizer=optimizer)
    assert one.equals(other)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert all(weight.dtype == torch.float32 for weight in first.parameters())


def test_bf16_differs_from_fp32_by_rounding_alone():
    blocks = some_blocks()
    plan = epoch_plan(len(blocks), 1, 4, seed=3)
    exact = trained(tiny_model(), blocks, plan)["loss"]
    rounded = trained(
        tiny_model(), blocks, plan, optimizer=OPTIMIZER.model_copy(update={"precision": "bf16"})
    )["loss"]
    assert not exact.equals(rounded)
    np.testing.assert_allclose(exact, rounded, rtol=0.02)


def test_a_model_learns_what_it_is_shown():
    blocks, model = some_blocks(), tiny_model()
    losses = trained(model, blocks, epoch_plan(len(blocks), 30, 4, seed=3))["loss"]
    assert losses.tail(5).mean() < 0.5 * losses[0]


def test_the_hooks_see_the_step_and_the_state_of_the_optimizer(tmp_path):
    blocks, model = some_blocks(), tiny_model()
    plan = epoch_plan(len(blocks), 2, 4, seed=3)
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    epochs = []

    def end(epoch, its_model, optimizer, rate, loss) -> None:
        moments = {
            name: optimizer.state[weight]["exp_avg_sq"] for name, weight in its_model.named_parameters()
        }
        epochs.append((epoch, rate, loss, sum(m.sum().item() for m in moments.values())))

    points = trained(model, blocks, plan, WSD, keep={1: tmp_path / "one"}, hook=end)
    assert [epoch for epoch, *_ in epochs] == [0, 1]
    half = plan.epochs[0]
    assert epochs[0][1] == pytest.approx(points["learning_rate"].head(half).mean())
    assert epochs[1][1] == pytest.approx(points["learning_rate"].tail(points.height - half).mean())
    assert points["loss"].head(half).min() < epochs[0][2] < points["loss"].head(half).max()
    assert epochs[0][3] > 0
    assert epochs[0][3] != epochs[1][3]
    # The first step of a warm-up has rate 0, so nothing has moved yet.
    kept = tiny_model(seed=1)
    read_weights(kept, tmp_path / "one")
    assert all(torch.equal(before[name], weight) for name, weight in kept.named_parameters())


def test_an_adapter_trains_alone():
    from peft import LoraConfig, get_peft_model

    blocks, base = some_blocks(), tiny_model()
    model = get_peft_model(base, LoraConfig(r=4, target_modules="all-linear", task_type="CAUSAL_LM"))
    before = {name: weight.detach().clone() for name, weight in model.named_parameters()}
    trained(model, blocks, epoch_plan(len(blocks), 1, 4, seed=3))
    moved = {name for name, weight in model.named_parameters() if not torch.equal(weight, before[name])}
    assert moved
    assert all("lora_" in name for name in moved)


def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_step():
    blocks, model = some_blocks(), tiny_model()
    with torch.no_grad():
        model.model.norm.weight[0] = math.nan
    with pytest.raises(
        TrainingError,
        match=r"the loss of step 1 of test is nan.*finite .*were expected \(blocks .*; rows \d+, ",
    ):
        trained(model, blocks, epoch_plan(len(blocks), 1, 4, seed=3))


def test_a_gradient_that_explodes_stops_the_training_though_its_loss_is_finite():
    """The bound is a thousand times the clip; a tiny clip stands in for a gradient that is too large
    for any.
    """
    blocks, optimizer = some_blocks(), OPTIMIZER.model_copy(update={"gradient_clip": 1e-5})
    with pytest.raises(
        TrainingError,
        match=r"step 1 of test is \d\.\d+, its gradient norm \d.*at most 0\.01 .*blocks .*; rows \d+, ",
    ):
        trained(tiny_model(), blocks, epoch_plan(len(blocks), 1, 4, seed=3), optimizer=optimizer)


def test_gradient_checkpointing_gives_the_same_losses_and_weights():
    blocks, plain, frugal = some_blocks(), tiny_model(), tiny_model()
    plan = epoch_plan(len(blocks), 2, 4, seed=3)
    computed = []
    hook = frugal.model.layers[0].mlp.register_forward_pre_hook(lambda *_: computed.append(1))
    one = trained(plain, blocks, plan, run=execution(100))
    other = trained(frugal, blocks, plan, run=execution(100, gradient_checkpointing=True))
    hook.remove()
    assert len(computed) == 2 * len(plan.steps), "activations were kept: nothing was compared"
    assert one.equals(other)
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), frugal.parameters(), strict=True))


def test_a_mapping_names_the_stages_whose_trainings_recompute_activations_and_in_which_layers():
    blocks = some_blocks()
    plan, counts = epoch_plan(len(blocks), 1, 4, seed=3), []
    for what in ("warmup of all weights", "pretrain", "finetune"):
        model, computed = tiny_model(), []
        for layer in model.model.layers:
            layer.mlp.register_forward_pre_hook(lambda *_, computed=computed: computed.append(1))
        run = execution(100, gradient_checkpointing={"warmup": 1, "pretrain": 2})
        trained(model, blocks, plan, run=run, what=what)
        counts.append(len(computed) / len(plan.steps))
    assert counts == [4, 3, 2], "both layers, one of them, none"


def test_a_training_on_nothing_and_one_on_too_long_blocks_are_refused():
    with pytest.raises(TrainingError, match="no block to train on"):
        trained(tiny_model(), some_blocks(), Plan([], []))
    model, blocks = tiny_model(), some_blocks()
    model.config.max_position_embeddings = 16
    with pytest.raises(TrainingError, match="32 tokens long; the model has positions for 16"):
        trained(model, blocks, epoch_plan(len(blocks), 1, 4, seed=3))


@given(st.integers(1, 50), st.integers(1, 4), st.integers(1, 9), st.integers(0, 2**40))
def test_a_plan_reads_each_block_once_an_epoch_in_steps_of_even_size(blocks, epochs, size, seed):
    plan = epoch_plan(blocks, epochs, size, seed)
    starts = [0, *plan.epochs]
    assert plan.epochs[-1] == len(plan.steps)
    for first, last in zip(starts, plan.epochs, strict=False):
        steps = plan.steps[first:last]
        assert sorted(np.concatenate(steps).tolist()) == list(range(blocks))
        sizes = [len(step) for step in steps]
        assert max(sizes) <= size
        assert max(sizes) - min(sizes) <= 1


def test_the_order_of_an_epoch_follows_from_seed_and_epoch_alone():
    longer, shorter, other = epoch_plan(40, 3, 40, 1), epoch_plan(40, 2, 40, 1), epoch_plan(40, 2, 40, 2)
    assert longer.steps[1].tolist() == shorter.steps[1].tolist()
    assert longer.steps[0].tolist() != longer.steps[1].tolist()
    assert shorter.steps[0].tolist() != other.steps[0].tolist()
