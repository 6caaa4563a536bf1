"""The final training: what is read when, what is left, and that the checkpoint is from before the decay."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jz3.core.artifacts import InDir
from jz3.core.errors import UserError
from jz3.lm.blocks import open_blocks
from jz3.lm.model import load_model, model_digest
from jz3.lm.schedule import WarmupStableDecay
from jz3.lm.tokenizer import train_tokenizer
from jz3.tables.blocks_manifest import BlocksManifest
from jz3.tables.model_manifest import ModelManifest
from jz3.training.base import ConfigModel, build
from jz3.training.methods import Full
from jz3.training.pretrain import PretrainParams, pretrain, reading_order
from tests.lm.optimizers import OPTIMIZER
from tests.lm.test_train import execution
from tests.lm.texts import TEXTS
from tests.training.test_pack import PARAMS as PACK
from tests.training.test_pack import base_model, packed, training_set  # noqa: F401 (a fixture)

PARAMS = PretrainParams(
    batch_blocks=2,
    schedule=WarmupStableDecay(warm_up=0.1, stable=0.7, floor=0.1),
    weights="float32",
    method=Full(kind="full"),
    optimizer=OPTIMIZER,
)


def manifest(pretrain_blocks: int, instruction_blocks: int, tokens: int = 100) -> BlocksManifest:
    blocks = pretrain_blocks + instruction_blocks
    return BlocksManifest(
        tokenizer_digest="", form={}, block_length=8, blocks=blocks, rows=blocks, tokens=tokens,
        label_tokens=1, fill=1.0, first_instruction_block=pretrain_blocks, padding_label=-100, held_out=[],
    )  # fmt: skip


def test_either_part_is_repeated_in_its_place():
    assert reading_order(manifest(4, 2), 150, 0).tolist() == [0, 1, 2, 3, 0, 1, 4, 5, 4]
    assert reading_order(manifest(4, 2), None, 0).tolist() == list(range(6))
    assert reading_order(manifest(0, 3), 200, 0).tolist() == [0, 1, 2, 0, 1, 2]


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 1000), st.integers(0, 5))
def test_instruction_blocks_come_last_and_the_budget_is_met_to_a_block_of_each_part(
    first, second, budget, seed
):
    order = reading_order(manifest(first, second), budget, seed)
    is_instruction = order >= first
    assert (np.diff(is_instruction.astype(int)) >= 0).all()
    assert abs(len(order) - (first + second) * budget / 100) <= 1
    times = np.bincount(order[is_instruction], minlength=first + second)[first:]
    assert not second or times.max() - times.min() <= 1


@given(st.integers(0, 40), st.integers(0, 40), st.integers(1, 500), st.integers(1, 500), st.integers(0, 5))
def test_a_smaller_budget_reads_of_each_part_what_a_larger_one_reads_first(first, second, one, more, seed):
    def parts(budget):
        order = reading_order(manifest(first, second), budget, seed)
        return order[order < first].tolist(), order[order >= first].tolist()

    for few, many in zip(parts(one), parts(one + more), strict=True):
        assert many[: len(few)] == few


def test_a_seed_draws_an_order_and_nothing_else():
    orders = {tuple(reading_order(manifest(30, 10), None, seed).tolist()) for seed in range(4)}
    assert len(orders) == 4
    assert {tuple(sorted(order[:30])) for order in orders} == {tuple(range(30))}
    assert reading_order(manifest(30, 10), None, 2).tolist() in map(list, orders)


def run(
    root,
    base,
    params=PARAMS,
    pretrain_rows=40,
    instruction_rows=12,
    held_out_share=0.0,
    training_tokens=None,
    seed=0,
):
    rng = np.random.default_rng(0)
    training = training_set(
        root / "mix.parquet",
        rng.integers(1, 30, pretrain_rows).tolist(),
        rng.integers(1, 30, instruction_rows).tolist(),
    )
    packed(training, base, root, PACK.model_copy(update={"held_out_share": held_out_share}))
    made = [root / "before", root / "final"]
    for directory in made:
        directory.mkdir()
    blocks, live = InDir(BlocksManifest, root / "blocks"), root / "live"
    return pretrain(blocks, base, *made, live, params, training_tokens, seed, execution())


@pytest.fixture(scope="module")
def in_own_store(tmp_path_factory):
    """Runs once for several tests: returns the folder and what was trained."""

    def train(base, **how):
        root = tmp_path_factory.mktemp("run")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("JZ3_STORE", str(root / "store"))
            return root, run(root, base, **how)

    return train


@pytest.fixture(scope="module")
def one_epoch(in_own_store, base_model):  # noqa: F811
    return in_own_store(base_model)


@pytest.fixture(scope="module")
def with_held_out(in_own_store, base_model):  # noqa: F811
    return in_own_store(base_model, held_out_share=0.2)


def test_one_epoch_reads_every_token_once_and_leaves_both_models(base_model, one_epoch):  # noqa: F811
    root, trained = one_epoch
    blocks = InDir(BlocksManifest, root / "blocks").manifest()
    metrics = trained.metrics
    assert metrics.tokens == blocks.tokens
    assert metrics.rows.kept == metrics.rows.read == blocks.blocks
    assert metrics.epochs == 1.0
    before, final = (InDir(ModelManifest, root / name).manifest() for name in ("before", "final"))
    assert final.steps == metrics.steps == trained.loss.height
    assert before.steps == metrics.decay_step
    assert before.tokens == trained.loss["tokens"][metrics.decay_step - 1]
    assert final.tokens == metrics.tokens
    assert len({before.digest, final.digest, model_digest(base_model)}) == 3
    rates = trained.loss["learning_rate"]
    assert rates[metrics.decay_step] == pytest.approx(OPTIMIZER.learning_rate, rel=0.1)
    assert rates[-1] < rates[metrics.decay_step]
    assert 0 < metrics.instruction_step < metrics.steps
    assert load_model(root / "before", "float32").config.use_cache


def test_a_training_goes_on_with_more_data_from_before_the_decay(one_epoch, tmp_path):
    """As docs/training.md describes it: the checkpoint is the base, the new rows are packed, nothing warms
    up.
    """
    root, first = one_epoch
    stable = WarmupStableDecay(warm_up=0.0, stable=0.7, floor=0.1)
    going_on = run(tmp_path, root / "before", PARAMS.model_copy(update={"schedule": stable}), 30, 8)
    assert going_on.loss["learning_rate"][0] == OPTIMIZER.learning_rate
    assert going_on.loss["loss"][0] < first.loss["loss"][: first.metrics.decay_step].mean()
    assert going_on.metrics.loss < first.metrics.loss_before_decay
    base = InDir(ModelManifest, root / "before").manifest()
    assert f"| digest | {base.digest} |" in (tmp_path / "final" / "README.md").read_text()


def test_the_card_beside_each_model_holds_the_figures_of_the_run(with_held_out):
    root, trained = with_held_out
    metrics = trained.metrics
    cards = {name: (root / name / "README.md").read_text() for name in ("before", "final")}
    for name, card in cards.items():
        manifest = InDir(ModelManifest, root / name).manifest()
        assert f"| digest | {manifest.digest} |" in card
        assert f"| steps | {manifest.steps} |" in card
        assert f"| held_out.web/cot.final | {metrics.held_out['web/cot'].final:.6g} |" in card
        assert f"| loss | {metrics.loss:.6g} |" in card
        assert model_digest(root / name) == manifest.digest, "the card is no part of the model"
    assert "before the decay" in cards["before"].partition("\n## ")[0]
    assert str(root) not in cards["final"]


def test_a_budget_of_two_epochs_reads_twice_and_a_small_one_accounts_for_what_it_leaves(
    base_model,  # noqa: F811
    one_epoch,
    tmp_path,
):
    for name in ("two", "small"):
        (tmp_path / name).mkdir()
    tokens = one_epoch[1].metrics.tokens
    assert run(tmp_path / "two", base_model, training_tokens=2 * tokens).metrics.tokens == 2 * tokens
    cut = run(tmp_path / "small", base_model, training_tokens=tokens // 2).metrics
    assert cut.rows.rejected["pretrain.budget"] == cut.rows.read - cut.rows.kept > 0
    assert f"| training_tokens | {tokens // 2} |" in (tmp_path / "small/final/README.md").read_text()


def test_another_seed_trains_another_model_on_the_same_tokens(base_model, one_epoch, tmp_path):  # noqa: F811
    root, trained = one_epoch
    assert run(tmp_path, base_model, seed=1).metrics.tokens == trained.metrics.tokens
    assert model_digest(tmp_path / "final") != model_digest(root / "final")


def test_blocks_of_another_tokenizer_are_refused(base_model, tmp_path):  # noqa: F811
    other = tmp_path / "other"
    other.mkdir()
    config = ConfigModel(
        kind="config", hidden_size=32, layers=2, heads=2, mlp=64, seed=0, max_positions=128, training=None
    )
    build(config, train_tokenizer(TEXTS[:1], 280), other)
    training = training_set(tmp_path / "mix.parquet", [3] * 4, [])
    packed(training, base_model, tmp_path)
    with pytest.raises(UserError, match="packed with another tokenizer"):
        pretrain(
            InDir(BlocksManifest, tmp_path / "blocks"),
            other,
            tmp_path,
            tmp_path,
            tmp_path / "live",
            PARAMS,
            None,
            0,
            execution(),
        )


def test_the_loss_on_held_out_rows_is_that_of_these_rows_one_by_one(with_held_out):
    root, trained = with_held_out
    held_out = trained.metrics.held_out
    (group,) = InDir(BlocksManifest, root / "blocks").manifest().held_out
    blocks = open_blocks(root / "blocks" / "held_out")
    model = load_model(root / "final", "float32").eval()
    total, labels = 0.0, 0
    for tokens, marked, documents in zip(blocks.tokens, blocks.labels, blocks.documents, strict=True):
        for number in range(1, documents.max() + 1):
            row = torch.tensor(tokens[documents == number]).long()[None]
            targets = torch.tensor(marked[documents == number]).long()[1:]
            logits = model(input_ids=row, use_cache=False).logits[0, :-1]
            total += torch.nn.functional.cross_entropy(logits, targets, reduction="sum").item()
            labels += int((targets >= 0).sum())
    measured = held_out["web/cot"]
    assert measured.rows == group.rows == len(blocks.rows) > 3
    assert measured.final == pytest.approx(total / labels, rel=1e-4)
    assert measured.final < measured.before_decay < measured.base
