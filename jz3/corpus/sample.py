"""Draws the passages of each round: for the first KD set, for the candidates of value, for mass synthesis.

Promises: a draw is the n passages of a source with the least hash of (seed, id), so a larger corpus or a
larger n moves no passage that was drawn; candidates hold none of the initial passages.
"""

from collections.abc import Mapping

import polars as pl
from pydantic import BaseModel

from jz3.core.hashing import draw_order
from jz3.core.params import Params


class Quota(Params):
    """Passages of one source for each round; null for all there are."""

    initial: int | None
    candidates: int | None
    corpus: int | None


class SampleParams(Params):
    """Where a source has fewer passages than asked for, all are taken and the metrics say so."""

    seed: int
    quotas: dict[str, Quota]
    """By source; each source of the graph has one."""


class SampleMetrics(BaseModel):
    """Passages by source: there, and in each draw; and how many of those asked for were missing."""

    passages: dict[str, int]
    initial: dict[str, int]
    candidates: dict[str, int]
    corpus: dict[str, int]
    missing: dict[str, int]


class Draw(BaseModel):
    """The three tables of one sample, and the account of them."""

    model_config = {"arbitrary_types_allowed": True, "frozen": True}

    initial: pl.DataFrame
    candidates: pl.DataFrame
    corpus: pl.DataFrame
    metrics: SampleMetrics


def sample(sources: Mapping[str, pl.DataFrame], params: SampleParams) -> Draw:
    """Passages of each round from the passages of each source."""
    pairs = [(table, params.quotas[name]) for name, table in sources.items()]
    initial = pl.concat([_drawn(table, quota.initial, params.seed) for table, quota in pairs])
    rest = [table.join(initial, on="passage_id", how="anti") for table, _ in pairs]
    candidates = pl.concat(
        [
            _drawn(table, quota.candidates, params.seed + 1)
            for table, (_, quota) in zip(rest, pairs, strict=True)
        ]
    )
    corpus = pl.concat([_drawn(table, quota.corpus, params.seed + 2) for table, quota in pairs])
    drawn = {"initial": initial, "candidates": candidates, "corpus": corpus}
    return Draw(**drawn, metrics=_metrics(sources, drawn, params))


def _drawn(table: pl.DataFrame, count: int | None, seed: int) -> pl.DataFrame:
    """The `count` rows with the least hash of (seed, id)."""
    if count is None:
        return table
    order = pl.Series("order", [draw_order(seed, row_id) for row_id in table["passage_id"]], pl.Int64)
    return table.with_columns(order).sort("order", "passage_id").head(count).drop("order")


def _metrics(
    sources: Mapping[str, pl.DataFrame], drawn: dict[str, pl.DataFrame], params: SampleParams
) -> SampleMetrics:
    by_set = {
        name: {source: table.filter(pl.col("source") == source).height for source in sources}
        for name, table in drawn.items()
    }
    missing = {
        f"{name}/{source}": asked - by_set[name][source]
        for source in sources
        for name, asked in params.quotas[source].model_dump().items()
        if asked is not None and asked > by_set[name][source]
    }
    return SampleMetrics(
        passages={source: table.height for source, table in sources.items()},
        missing=dict(sorted(missing.items())),
        **by_set,
    )
