"""A base learns from passages that occur twice in a row."""

import polars as pl
import pytest

from jz3.lm.observer import Observer
from jz3.lm.schedule import WarmupStableDecay
from jz3.lm.tokenizer import train_tokenizer
from jz3.training.corpus_training import CorpusTraining, last_loss, train_on_corpus, twice
from tests import executions
from tests.lm.optimizers import OPTIMIZER
from tests.lm.test_train import tiny_model
from tests.lm.texts import TEXTS

TRAINING = CorpusTraining(
    block_length=64,
    batch_tokens=128,
    epochs=3,
    seed=0,
    schedule=WarmupStableDecay(warm_up=0.1, stable=0.8, floor=0.5),
    optimizer=OPTIMIZER,
)


def test_a_row_is_a_passage_twice_with_loss_on_all_but_the_token_that_begins_it():
    tokenizer = train_tokenizer(TEXTS, 350)
    for text, row in zip(TEXTS, twice(tokenizer, TEXTS, 1000), strict=True):
        assert row is not None
        assert tokenizer.decode(row.tokens, skip_special_tokens=True) == f"{text}\n{text}"
        assert row.labels[1:] == row.tokens[1:]


def test_a_passage_that_does_not_fit_twice_is_left_out():
    tokenizer = train_tokenizer(TEXTS, 350)
    lengths = [len(row.tokens) for row in twice(tokenizer, TEXTS, 1000) if row is not None]
    border = sorted(lengths)[len(lengths) // 2]
    kept = [row for row in twice(tokenizer, TEXTS, border) if row is not None]
    assert [len(row.tokens) for row in kept] == [length for length in lengths if length <= border]


def test_the_loss_falls_and_the_last_of_it_is_reported():
    tokenizer = train_tokenizer(TEXTS, 350)
    model = tiny_model(vocabulary=len(tokenizer))
    loss = train_on_corpus(model, tokenizer, TEXTS, TRAINING, executions.execution())
    assert loss["loss"][-1] < loss["loss"][0] - 0.1
    assert last_loss(loss) == round(loss["loss"][-1], 4)
    assert last_loss(pl.DataFrame({"loss": [9.0] * 40 + [1.0, 2.0]})) == 1.5


def test_after_ctrl_c_it_goes_on_to_the_same_losses_and_weights(tmp_path, monkeypatch):
    monkeypatch.setenv("JZ3_STORE", str(tmp_path))
    tokenizer = train_tokenizer(TEXTS, 350)
    execution = executions.execution(checkpoint_share=0.3)
    whole, model = tiny_model(vocabulary=len(tokenizer)), tiny_model(vocabulary=len(tokenizer))
    expected = train_on_corpus(whole, tokenizer, TEXTS, TRAINING, execution)
    alive = Observer.on_step_end
    last = expected.height - 1

    def interrupted(self, args, state, control, **kwargs):
        if state.global_step == last:
            raise KeyboardInterrupt
        return alive(self, args, state, control, **kwargs)

    monkeypatch.setattr(Observer, "on_step_end", interrupted)
    with pytest.raises(KeyboardInterrupt) as caught:
        train_on_corpus(model, tokenizer, TEXTS, TRAINING, execution)
    at = int(caught.value.__notes__[0].rpartition(" ")[2])
    assert 0 < at < last
    monkeypatch.setattr(Observer, "on_step_end", alive)
    again = tiny_model(vocabulary=len(tokenizer))
    assert train_on_corpus(again, tokenizer, TEXTS, TRAINING, execution).equals(expected)
    weights = whole.state_dict()
    assert all(weights[name].equal(value) for name, value in again.state_dict().items())
    assert not list(tmp_path.glob("checkpoints/*")), "what is done needs no checkpoint"
