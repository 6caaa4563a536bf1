"""A synthesis model writes a completion for each prompt.

A row's seed comes from the stage's seed and its prompt's id: a larger set asks only for the new prompts.
Costs the model's time for the rows that the store has not; memory for the whole table of completions.
"""

from dataclasses import dataclass
from typing import Literal

import polars as pl
from pydantic import BaseModel

from jz3.core.execution import Execution
from jz3.core.hashing import draw_order
from jz3.core.params import Params
from jz3.generation.api import Engine, EngineName, Generated, GenerationRequest, Sampling
from jz3.generation.rows import generate_rows, generation_key
from jz3.tables.completion import Completion
from jz3.tables.failure import Failure
from jz3.tables.ledger import Ledger
from jz3.tables.words import KINDS, LEVELS


class SynthesizeParams(Params):
    """The section `synthesize`."""

    seed: int
    prompt_form: Literal["full", "compact"]
    """Which form of the prompt the model reads: the one that it was trained on."""
    engine: EngineName
    cot: Sampling
    tool: Sampling


class SynthesizeMetrics(BaseModel):
    """Counts and rates of one run of the stage."""

    rows: Ledger
    prompt_tokens: int
    completion_tokens: int
    tokens_saved: int
    """Estimate of prompt tokens that the compact form saves against the full one; 0 for the full form."""
    truncation_rate: float
    """Share of completions that were cut off at max_tokens or at the end of the model's context."""
    share_per_level: dict[str, float]
    share_per_kind: dict[str, float]


@dataclass(frozen=True)
class Synthesized:
    """What the stage leaves."""

    completions: pl.DataFrame
    failures: pl.DataFrame
    metrics: SynthesizeMetrics


def synthesize(
    prompts: pl.DataFrame, engine: Engine, params: SynthesizeParams, execution: Execution
) -> Synthesized:
    """A completion for each prompt whose text leaves room in the model's context; the others are failures."""
    parts = [
        _written(prompts.filter(pl.col("kind") == kind), engine, sampling, params, execution)
        for kind, sampling in zip(KINDS, (params.cot, params.tool), strict=True)
    ]
    rows = pl.concat(parts)
    # A model draws one token at least, unless the prompt fills its context.
    made, unmade = rows.filter(pl.col("completion_tokens") > 0), rows.filter(pl.col("completion_tokens") == 0)
    failures = unmade.select(
        request_id="completion_id",
        row_id="prompt_id",
        reason=pl.format("the prompt's {} tokens leave no room in the model's context", "prompt_tokens"),
    )
    return Synthesized(
        completions=Completion.cast(made.select(Completion.column_names())),
        failures=Failure.cast(failures),
        metrics=_metrics(prompts, rows, params),
    )


def _written(
    prompts: pl.DataFrame, engine: Engine, sampling: Sampling, params: SynthesizeParams, execution: Execution
) -> pl.DataFrame:
    """Prompts of one kind with their completions."""
    texts = prompts.get_column(params.prompt_form).to_list()
    requests = [
        GenerationRequest(text, draw_order(params.seed, prompt_id))
        for text, prompt_id in zip(texts, prompts.get_column("prompt_id"), strict=True)
    ]
    generated = generate_rows(engine, requests, sampling, execution, "completions")
    keys = [generation_key(engine, request, sampling) for request in requests]
    return prompts.select("prompt_id", "level", "kind", "full", "compact").with_columns(
        pl.Series("completion_id", keys, dtype=pl.String), *_columns(generated)
    )


def _columns(generated: list[Generated]) -> list[pl.Series]:
    return [
        pl.Series("text", [row.text for row in generated], dtype=pl.String),
        pl.Series("finish_reason", [row.finish_reason for row in generated], dtype=pl.String),
        pl.Series("prompt_tokens", [row.prompt_tokens for row in generated], dtype=pl.Int64),
        pl.Series("completion_tokens", [row.completion_tokens for row in generated], dtype=pl.Int64),
    ]


def _metrics(prompts: pl.DataFrame, rows: pl.DataFrame, params: SynthesizeParams) -> SynthesizeMetrics:
    made = rows.filter(pl.col("completion_tokens") > 0)
    truncated = made.filter(pl.col("finish_reason") == "length").height
    return SynthesizeMetrics(
        rows=Ledger(read=prompts.height, kept=made.height, rejected={}, failed=rows.height - made.height),
        prompt_tokens=int(rows.get_column("prompt_tokens").sum()),
        completion_tokens=int(rows.get_column("completion_tokens").sum()),
        tokens_saved=_tokens_saved(rows, params),
        truncation_rate=truncated / max(made.height, 1),
        share_per_level=_shares(made, "level", LEVELS),
        share_per_kind=_shares(made, "kind", KINDS),
    )


def _tokens_saved(rows: pl.DataFrame, params: SynthesizeParams) -> int:
    """By the characters that are not sent, at the ratio of tokens to characters of those that are."""
    sent = int(rows.get_column(params.prompt_form).str.len_chars().sum())
    full = int(rows.get_column("full").str.len_chars().sum())
    return round((full - sent) * int(rows.get_column("prompt_tokens").sum()) / max(sent, 1))


def _shares(made: pl.DataFrame, column: str, words: tuple[str, ...]) -> dict[str, float]:
    counts = dict(made.group_by(column).len().iter_rows())
    return {word: counts.get(word, 0) / max(made.height, 1) for word in words}
