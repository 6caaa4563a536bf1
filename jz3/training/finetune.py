"""A synthesis model learns to write problems from a KD set.

A row is exactly the prompt that synthesis will use and a problem in the form that synthesis will parse, with
loss only on the problem. Rows are packed into blocks over the whole set and read in a new order each epoch.
The same rows, base and parameters give the same weights on one machine. Costs `epochs` x tokens of the KD
set.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dataframely as dy
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.errors import UserError
from jz3.core.execution import Execution
from jz3.core.params import Params, Seed
from jz3.lm.blocks import Blocks, pack_rows
from jz3.lm.encode import EncodedRow, encode_rows
from jz3.lm.model import in_format, load_tokenizer, padding_token, save_model
from jz3.lm.plan import OptimizerParams, epoch_plan
from jz3.lm.schedule import WarmupCosine
from jz3.lm.training import Training
from jz3.tables.ledger import Ledger
from jz3.tables.problem import Problem
from jz3.tables.prompt import Prompt
from jz3.tables.words import PromptForm
from jz3.text.problem_text import render_problem
from jz3.training.methods import Method
from jz3.training.model_card import write_card
from jz3.training.run import run_job

TOO_LONG = "finetune.too_long"


class FinetuneParams(Params):
    """A section for each KD set, such as `finetune.initial`."""

    prompt_form: PromptForm
    """The form of the prompt that the model reads; `synthesize` reads it from the model's manifest."""
    block_length: int = Field(gt=1)
    """Tokens of a block; longer rows are rejected."""
    batch_tokens: int = Field(gt=0)
    """Tokens of a step, in whole blocks."""
    epochs: int = Field(gt=0)
    seed: Seed
    """The seed of the order of the blocks."""
    weights: Literal["float32", "bfloat16"]
    """The number format of the final model. Whatever this says, a training computes with float32 weights, and
    so are those in its checkpoints.
    """
    method: Method
    schedule: WarmupCosine
    optimizer: OptimizerParams


class FinetuneMetrics(BaseModel):
    """`rows` are the problems of the KD set."""

    rows: Ledger
    blocks: int
    fill: float
    """Share of the blocks' places that hold a token."""
    tokens: int
    """Tokens of one epoch, without padding."""
    label_tokens: int
    """Tokens of one epoch that bear loss."""
    steps: int
    first_loss: float
    """Loss of the first step, in nats per label token."""
    last_epoch_loss: float
    """Mean over the steps of the last epoch."""


@dataclass(frozen=True)
class Finetuned:
    """Rows of LossPoint and the metrics; the model is in its directory."""

    loss: pl.DataFrame
    metrics: FinetuneMetrics


def finetune(
    problems: dy.DataFrame[Problem],
    prompts: dy.DataFrame[Prompt],
    base: Path,
    directory: Path,
    live: Path,
    params: FinetuneParams,
    execution: Execution,
) -> Finetuned:
    """Train the base on the KD set and save it into `directory`; speed and memory are noted in `live`."""
    tokenizer = load_tokenizer(base)
    rows = training_rows(problems, prompts, params.prompt_form)
    encoded = encode_rows(tokenizer, rows["input"].to_list(), rows["output"].to_list(), params.block_length)
    kept = {number: row for number, row in enumerate(encoded) if row is not None}
    blocks = pack_rows(kept, params.block_length, padding_token(tokenizer))
    plan = epoch_plan(
        len(blocks), params.epochs, max(1, params.batch_tokens // params.block_length), params.seed
    )
    training = Training(
        what="finetune",
        blocks=blocks,
        plan=plan,
        schedule=params.schedule,
        optimizer=params.optimizer,
        seed=params.seed,
        execution=execution,
        live=live,
    )
    trained = run_job(base, params.method, training)
    loss = trained.loss
    save_model(
        directory,
        in_format(trained.model(loss.height), params.weights),
        tokenizer,
        made_by=f"finetune {params.method.kind}",
        steps=loss.height,
        tokens=int(loss["tokens"][-1]),
        prompt_form=params.prompt_form,
    )
    metrics = _metrics(encoded, blocks, loss, params)
    write_card(directory, base, {"Training": params, "Measured": metrics})
    trained.discard()
    return Finetuned(loss, metrics)


def training_rows(
    problems: dy.DataFrame[Problem], prompts: dy.DataFrame[Prompt], prompt_form: PromptForm
) -> pl.DataFrame:
    """Columns `input` and `output`, a row for each problem, sorted by problem_id.

    Raises UserError if a problem's prompt is missing.
    """
    joined = problems.join(
        prompts.select("prompt_id", input=prompt_form), on="prompt_id", how="left", maintain_order="left"
    ).sort("problem_id")
    lost = joined.filter(pl.col("input").is_null())
    if lost.height:
        raise UserError(
            f"problem {lost['problem_id'][0]} comes from prompt {lost['prompt_id'][0]}, which is not among "
            f"the prompts of its set; each problem's prompt was expected. Give the prompts that the problems "
            f"were written for; of the graph's own, `dvc repro` makes both again from `compose` on."
        )
    outputs = [
        render_problem(problem, solution, prompt)
        for problem, solution, prompt in joined.select("problem", "solution", "input").iter_rows()
    ]
    return joined.select("input", output=pl.Series(outputs, dtype=pl.String))


def _metrics(
    encoded: list[EncodedRow | None],
    blocks: Blocks,
    loss: pl.DataFrame,
    params: FinetuneParams,
) -> FinetuneMetrics:
    too_long = encoded.count(None)
    tokens = int(blocks.lengths.sum())
    return FinetuneMetrics(
        rows=Ledger(
            read=len(encoded),
            kept=len(encoded) - too_long,
            rejected={TOO_LONG: too_long} if too_long else {},
            failed=0,
        ),
        blocks=len(blocks),
        fill=tokens / blocks.tokens.size,
        tokens=tokens,
        label_tokens=blocks.label_tokens,
        steps=loss.height,
        first_loss=float(loss["loss"][0]),
        last_epoch_loss=float(loss["loss"].tail(loss.height // params.epochs).to_numpy().mean()),
    )
