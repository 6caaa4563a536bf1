"""How many of a stage's requests the row store already has, and what earlier answers tell about the next.

For sets of more than LOOKED_UP prompts a sample is looked up, drawn by a hash of each id. The cost is a pass
over the table: some four seconds for 6 million prompts.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from jz3.core.artifacts import In
from jz3.generation.chat import CHAT
from jz3.graph.sizes import Amount
from jz3.store.row_store import Operation, Row, RowStore
from jz3.tables.prompt import Prompt

LOOKED_UP = 50_000
"""The most prompts whose keys are looked up (chosen: two seconds)."""
PIECE = 2_500
"""The number of prompts that are looked up together (chosen)."""
ANSWERS = 20_000
"""The number of answers that an estimate is made from (chosen: a second)."""


@dataclass(frozen=True)
class Experience:
    """Statistics of a teacher's answers so far."""

    answers: int
    completion_tokens: float
    """Mean tokens of an answer."""
    characters_per_token: float
    """Characters per token of prompts."""
    error: float | None
    """The relative error of the last tenth's mean, predicted from those before; None for fewer than 20."""


@dataclass(frozen=True)
class Stored:
    """The rows in the store for a table of prompts."""

    rows: Amount
    looked_at: int
    """Number of rows whose tokens were counted."""
    completion_tokens: float
    """Mean tokens of these rows; 0 if there are none."""


def stored(
    store: RowStore, operation: Operation, table: Path, key_of: Callable[[Mapping[str, Any]], str]
) -> Stored:
    """How many prompts of a table have a row in the store, and how long these rows are."""
    total = In(Prompt, table).rows()
    prompts, found, tokens = 0, 0, 0
    for piece in _pieces(table, total):
        keys = [key_of(prompt) for prompt in piece.iter_rows(named=True)]
        known = store.known(operation, keys)
        found += len(known)
        tokens += sum(result["completion_tokens"] for result in known.values())
        prompts += len(keys)
    whole = prompts == total
    rows = Amount(found if whole else round(found * total / max(prompts, 1)), exact=whole)
    return Stored(rows, found, tokens / max(found, 1))


def experience(store: RowStore, provider: str, model: str) -> Experience | None:
    """Statistics of the stored answers of a provider's model; None if there are none."""
    rows = list(islice(_answers(store, provider, model), ANSWERS))
    if not rows:
        return None
    tokens = [int(row.result["completion_tokens"]) for row in rows]
    characters = sum(len(row.request["prompt"]) for row in rows)
    prompt_tokens = sum(int(row.result["prompt_tokens"]) for row in rows)
    return Experience(
        answers=len(rows),
        completion_tokens=sum(tokens) / len(tokens),
        characters_per_token=characters / max(prompt_tokens, 1),
        error=_error(tokens),
    )


def _answers(store: RowStore, provider: str, model: str) -> Iterator[Row]:
    for row in store.rows(CHAT):
        if (row.request.get("provider"), row.request.get("model")) == (provider, model):
            yield row


def _error(tokens: list[int]) -> float | None:
    """The error of an estimate of this kind, made from nine tenths of the answers and tested on the last
    tenth.
    """
    cut = len(tokens) * 9 // 10
    if len(tokens) < 20 or not sum(tokens[cut:]):
        return None
    before, after = sum(tokens[:cut]) / cut, sum(tokens[cut:]) / (len(tokens) - cut)
    return before / after - 1


def _pieces(table: Path, total: int) -> Iterator[pl.DataFrame]:
    """All prompts, or a sample drawn by the hash of their id, so that neighbouring rows are not favoured."""
    scan = In(Prompt, table).scan().select("prompt_id", "kind", "full", "compact")
    if total > LOOKED_UP:
        one_in = -(-total // LOOKED_UP)
        scan = scan.filter(pl.col("prompt_id").hash() % one_in == 0)
    yield from scan.collect(engine="streaming").iter_slices(PIECE)
