"""A base from a config learns the corpus, and to copy from what it has read.

Every row is a passage twice over, so that half of its tokens can be predicted by looking back. A pretrained
model can do that from the start. With random weights, a model learns it only after some million tokens of
problems, where few tokens are numbers copied from the question, but within 300 steps of these rows; every
training that starts from the base saves that time (docs/performance.md). Costs `epochs` x twice the tokens of
the corpus, once for all models of one config.
"""

from typing import TYPE_CHECKING

import polars as pl
from pydantic import Field

from jz3.core.execution import Execution
from jz3.core.hashing import canonical_json
from jz3.core.params import Params, Seed
from jz3.lm.blocks import blocks_digest, pack_rows
from jz3.lm.encode import EncodedRow, encode_rows
from jz3.lm.model import libraries, padding_token
from jz3.lm.plan import OptimizerParams, epoch_plan
from jz3.lm.resuming import resumable
from jz3.lm.schedule import WarmupStableDecay
from jz3.lm.train import train
from jz3.lm.training import Training
from jz3.lm.weights import weights_digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast


class CorpusTraining(Params):
    """Training of all weights of a base on the passages of the corpus."""

    block_length: int = Field(gt=1)
    """Tokens of a block; passages longer than half of it are left out."""
    batch_tokens: int = Field(gt=0)
    """Tokens of a step, in whole blocks."""
    epochs: int = Field(gt=0)
    seed: Seed
    """The seed of the order of the blocks."""
    schedule: WarmupStableDecay
    optimizer: OptimizerParams


def train_on_corpus(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerFast",
    texts: list[str],
    params: CorpusTraining,
    execution: Execution,
) -> pl.DataFrame:
    """Train the model in place; return one LossPoint row for each step."""
    rows = twice(tokenizer, texts, params.block_length)
    kept = {number: row for number, row in enumerate(rows) if row is not None}
    blocks = pack_rows(kept, params.block_length, padding_token(tokenizer))
    plan = epoch_plan(
        len(blocks), params.epochs, max(1, params.batch_tokens // params.block_length), params.seed
    )
    identity = {
        "weights": weights_digest(model.state_dict()),
        "blocks": blocks_digest(blocks),
        "training": canonical_json(params.model_dump()),
        "libraries": canonical_json(libraries()),
    }
    with resumable("base", identity, len(plan.steps), execution) as checkpoints:
        training = Training(
            what="base",
            blocks=blocks,
            plan=plan,
            schedule=params.schedule,
            optimizer=params.optimizer,
            seed=params.seed,
            execution=execution,
            checkpoints=checkpoints,
        )
        return train(model, training)


def twice(tokenizer: "PreTrainedTokenizerFast", texts: list[str], max_tokens: int) -> list[EncodedRow | None]:
    """Each text, a line break, and the text again, with loss on every token; None if it is too long."""
    return encode_rows(tokenizer, [""] * len(texts), [f"{text}\n{text}" for text in texts], max_tokens)


def last_loss(loss: pl.DataFrame) -> float:
    """Mean over the last twentieth of the steps, in nats per token."""
    return round(float(loss["loss"].tail(max(1, loss.height // 20)).mean()), 4)  # pyright: ignore[reportArgumentType]
