"""What the row store already has of what a stage would ask for, and what earlier answers say about the next.

Sets of more than LOOKED_UP prompts are looked up by a sample of them, drawn by a hash of each id. Costs a
pass over the table: some four seconds for 6 million prompts.
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
"""Prompts whose keys are looked up, at most (chosen: two seconds)."""
PIECE = 2_500
"""Prompts that are looked up together (chosen)."""
ANSWERS = 20_000
"""Answers that are looked at for an estimate (chosen: a second)."""


@dataclass(frozen=True)
class Experience:
    """What the answers of a teacher so far say."""

    answers: int
    completion_tokens: float
    """Mean of an answer."""
    characters_per_token: float
    """Of prompts."""
    error: float | None
    """By how much the mean of the last tenth missed the mean of those before; None for fewer than 20."""


@dataclass(frozen=True)
class Stored:
    """What the store has of a table of prompts."""

    rows: Amount
    looked_at: int
    """Rows whose tokens were counted."""
    completion_tokens: float
    """Mean of these; 0 without any."""


def stored(
    store: RowStore, operation: Operation, table: Path, key_of: Callable[[Mapping[str, Any]], str]
) -> Stored:
    """How many prompts of a table have a row in the store, and how long what is there is."""
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
    """What stored answers of a provider's model tell; None if there are none."""
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
    """An estimate made as this one is, from nine tenths, held against the last tenth."""
    cut = len(tokens) * 9 // 10
    if len(tokens) < 20 or not sum(tokens[cut:]):
        return None
    before, after = sum(tokens[:cut]) / cut, sum(tokens[cut:]) / (len(tokens) - cut)
    return before / after - 1


def _pieces(table: Path, total: int) -> Iterator[pl.DataFrame]:
    """All prompts, or those that a hash of their id draws: rows that lie together count as others do."""
    scan = In(Prompt, table).scan().select("prompt_id", "kind", "full", "compact")
    if total > LOOKED_UP:
        one_in = -(-total // LOOKED_UP)
        scan = scan.filter(pl.col("prompt_id").hash() % one_in == 0)
    yield from scan.collect(engine="streaming").iter_slices(PIECE)
