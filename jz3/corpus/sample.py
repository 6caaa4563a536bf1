"""Draws the passages of each round: for the first KD set, for the candidates of value, for mass synthesis.

Promises: a draw is the n passages of a source with the smallest hash of (seed, id), so a larger n keeps all
passages drawn before, and a larger corpus displaces some only by new ones with a smaller hash; candidates
contain none of the initial passages; passages are sorted by id, whichever source they come from. Costs: each
source is read once for its ids and once for the texts of each round; memory for the ids of all passages and
for a frame of texts of each source.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from jz3.core.artifacts import In
from jz3.core.external_sort import merged
from jz3.core.hashing import draw_orders
from jz3.core.params import Params, ParamsError, Seed
from jz3.tables.passage import Passage

log = logging.getLogger(__name__)

ID_ROWS = 1_000_000
"""Ids read at a time (chosen: some 32 MB)."""

Mask = NDArray[np.bool_]
"""For each row of a source, whether the passage is drawn."""


Count = Annotated[int, Field(ge=0)] | None


class Quota(Params):
    """Passages of one source for each round; 0 for none, null for all."""

    initial: Count
    candidates: Count
    corpus: Count


class SampleParams(Params):
    """If a source has slightly fewer passages than asked for, all are taken and the metrics say so."""

    seed: Seed
    allow_missing: float = Field(ge=0, le=1)
    """Share of a quota that may be missing; the stage stops if more is missing. 1 takes whatever there is,
    even if that is nothing.
    """
    quotas: dict[str, Quota]
    """Quotas by source; each source of the graph has one."""


class SampleMetrics(BaseModel):
    """Passages by source: how many exist, are in each draw, and are missing from those asked for."""

    passages: dict[str, int]
    initial: dict[str, int]
    candidates: dict[str, int]
    corpus: dict[str, int]
    missing: dict[str, int]


@dataclass(frozen=True)
class Draw:
    """The passages of each round."""

    masks: Mapping[str, Mapping[str, Mask]]
    """Masks by round and source."""
    metrics: SampleMetrics


def draw(ids: Mapping[str, pl.Series], params: SampleParams) -> Draw:
    """Choose the passages of each round. `ids` must be in table order: the masks apply to the same rows on
    the second read. Raises ParamsError if a source has no quota, or too few passages for it.
    """
    if unnamed := sorted(set(ids) - set(params.quotas)):
        raise ParamsError(
            f"sample.quotas has no source '{unnamed[0]}'; each source of the graph was expected there. "
            f"Add it, with 0 for none of its passages."
        )
    by_source = {source: _of_source(some, params.quotas[source], params.seed) for source, some in ids.items()}
    masks = {
        name: {source: rounds[name] for source, rounds in by_source.items()} for name in Quota.model_fields
    }
    for source in ids:
        _check_quota(source, by_source[source], params)
    return Draw(masks, _metrics(masks, params))


def passages_of(
    name: str, sources: Mapping[str, Iterable[pl.DataFrame]], drawn: Draw
) -> Iterator[pl.DataFrame]:
    """The passages of a round, in frames in key order; each source comes in the order of its table."""
    masks = drawn.masks[name]
    return merged([_drawn(frames, masks[source]) for source, frames in sources.items()], "passage_id")


def passage_ids(sources: Mapping[str, In[Passage]]) -> dict[str, pl.Series]:
    """The ids of each source, in the order of its table."""
    pieces = {source: table.columns("passage_id", rows=ID_ROWS) for source, table in sources.items()}
    return {
        source: pl.concat([pl.Series(dtype=pl.String), *(piece.to_series() for piece in some)])
        for source, some in pieces.items()
    }


def passage_frames(sources: Mapping[str, In[Passage]]) -> dict[str, Iterator[pl.DataFrame]]:
    """Frames of each source, in the order of its table."""
    return {source: table.frames() for source, table in sources.items()}


def _drawn(frames: Iterable[pl.DataFrame], mask: Mask) -> Iterator[pl.DataFrame]:
    start = 0
    for frame in frames:
        yield frame.filter(pl.Series(mask[start : start + frame.height]))
        start += frame.height


def _of_source(ids: pl.Series, quota: Quota, seed: int) -> dict[str, Mask]:
    """The mask of each round."""
    everything = np.ones(len(ids), dtype=np.bool_)
    initial = _least(ids, everything, quota.initial, seed)
    return {
        "initial": initial,
        "candidates": _least(ids, ~initial, quota.candidates, seed + 1),
        "corpus": _least(ids, everything, quota.corpus, seed + 2),
    }


def _check_quota(source: str, drawn: Mapping[str, Mask], params: SampleParams) -> None:
    """Check a quota; one for all passages expects at least one."""
    for name, asked in params.quotas[source].model_dump().items():
        wanted, found = 1 if asked is None else asked, int(drawn[name].sum())
        if wanted - found > params.allow_missing * wanted:
            raise ParamsError(
                f"source {source} has {found} passages for {name}; {'some' if asked is None else wanted} "
                f"were wanted, and sample.allow_missing allows {params.allow_missing:g} of them to be "
                f"missing. Fetch or add texts (`jz3 fetch`), or lower sample.quotas.{source}.{name}."
            )


def _least(ids: pl.Series, among: Mask, count: int | None, seed: int) -> Mask:
    """A mask of the `count` rows with the smallest hash of (seed, id)."""
    if count is None:
        return among
    places = pl.Series(np.flatnonzero(among))
    some = ids.gather(places)
    order = pl.Series(draw_orders(seed, some))
    taken = pl.DataFrame({"place": places, "order": order, "id": some}).sort("order", "id").head(count)
    drawn = np.zeros(len(ids), dtype=np.bool_)
    drawn[taken["place"].to_numpy()] = True
    return drawn


def _metrics(masks: Mapping[str, Mapping[str, Mask]], params: SampleParams) -> SampleMetrics:
    counts = {
        name: {source: int(mask.sum()) for source, mask in by_source.items()}
        for name, by_source in masks.items()
    }
    missing = {
        f"{name}/{source}": asked - counts[name][source]
        for source in counts["corpus"]
        for name, asked in params.quotas[source].model_dump().items()
        if asked is not None and asked > counts[name][source]
    }
    if missing:
        log.warning(
            "%d passages fewer than the quotas ask for: %s",
            sum(missing.values()),
            ", ".join(f"{name} {count}" for name, count in sorted(missing.items())),
        )
    return SampleMetrics(
        passages={source: len(mask) for source, mask in masks["corpus"].items()},
        missing=dict(sorted(missing.items())),
        **counts,
    )
