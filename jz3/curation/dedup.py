"""Finds repeated problems among those that `execute` and `filter` kept.

Rows are taken in survivor order, by hash of their id, so that the order of the file does not matter. A row is
dropped by `dedup.exact` where a kept earlier row has the same question but for case, spacing and punctuation,
by `dedup.near` where a kept earlier row that shares a band of its MinHash signature has a Jaccard similarity
of their 5-grams (words, numbers, operators) at or above the threshold. Only kept rows drop others: chains
swallow nothing, a second pass drops nothing, and the evidence names a row that is kept.

The verdicts hold the rows that were judged; what was rejected before is not among them. Solutions are not
read. The questions are read twice, in batches: for the signatures of all, and for the 5-grams of those that
share a band with another. Costs some 30,000 rows a second and core; memory of about 0.3 KB a row, disk of
0.7 KB for each row that shares a band (two questions that are the same have one 64-bit hash, and two that are
not one in 2^64).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import polars as pl
from pydantic import BaseModel, Field

from jz3.core.ahead import mapped
from jz3.core.hashing import draw_order
from jz3.core.params import Params
from jz3.curation.fingerprints import I64, U64, Sets, gathered, sequence_hashes, shingles
from jz3.curation.minhash import ALONE, U32, band_keys, shared_buckets
from jz3.curation.survivors import KEPT, survivors
from jz3.curation.verdicts import VERDICT_SCHEMA, rejected_ids, verdict_ledger
from jz3.tables.ledger import Ledger
from jz3.text.word_hashes import hashed_tokens

SHINGLE = 5
"""Tokens in a shingle (Lee et al. 2022, and the issue)."""
BATCH_ROWS = 50_000
"""Questions read at a time: with their hashes some 100 MB."""


class DedupParams(Params):
    """When two questions are the same."""

    seed: int
    """Of the survivor order."""
    threshold: float = Field(gt=0, le=1)
    """Least Jaccard similarity of near duplicates."""
    bands: int = Field(ge=1)
    rows_per_band: int = Field(ge=1)
    """MinHash values in a band; bands x rows_per_band permutations are drawn."""


class DedupMetrics(BaseModel):
    """What was dropped."""

    rows: Ledger
    duplicate_share: float
    largest_group: int
    """Rows that one kept row stands for, itself included; 0 where there is none."""


@dataclass(frozen=True)
class Workplace:
    """What the work may take of the machine."""

    threads: int
    directory: Path
    """For a file without a name, which a killed run does not leave behind."""


def dedup(
    problems: pl.LazyFrame, earlier: Sequence[pl.DataFrame], params: DedupParams, place: Workplace
) -> tuple[pl.DataFrame, DedupMetrics]:
    """Verdicts of the problems that no earlier verdict rejects, in their order, and the counts."""
    all_ids = problems.select("problem_id").collect()["problem_id"]
    judged = ~all_ids.is_in(rejected_ids(earlier)["problem_id"].implode())
    ids = all_ids.filter(judged)
    digests, keys = _signatures(problems, judged, params, place.threads)
    order = np.argsort(_draws(ids, params.seed), kind="stable")
    firsts, group_of = _groups(digests[order])
    nearest = _nearest(problems, judged, order[firsts], keys, params, place)
    dropped = nearest != KEPT
    kept_first = np.where(dropped, nearest, np.arange(len(firsts)))
    survivor = np.empty(len(ids), dtype=np.int64)
    survivor[order] = order[firsts[kept_first[group_of]]]
    near = np.empty(len(ids), dtype=np.bool_)
    near[order] = dropped[group_of]
    verdicts = _verdicts(ids, survivor, near)
    ledger = verdict_ledger(verdicts, len(ids))
    return verdicts, DedupMetrics(
        rows=ledger,
        duplicate_share=1 - ledger.kept / max(ledger.read, 1),
        largest_group=int(np.bincount(survivor).max(initial=0)),
    )


def _verdicts(ids: pl.Series, survivor: I64, near: np.ndarray) -> pl.DataFrame:
    names = {"row_id": ids, "survivor": ids.gather(survivor), "near": near}
    dropped = pl.Series(survivor != np.arange(len(ids)))
    rule = pl.when("near").then(pl.lit("dedup.near")).otherwise(pl.lit("dedup.exact"))
    return pl.DataFrame(names).select(
        "row_id", rule=pl.when(dropped).then(rule), evidence=pl.when(dropped).then("survivor")
    ).cast(VERDICT_SCHEMA)  # fmt: skip


def _draws(ids: pl.Series, seed: int) -> I64:
    """The survivor order is by these numbers; equal ones (one in 2^63) by place, which is by id."""
    return np.fromiter((draw_order(seed, row_id) for row_id in ids), np.int64, len(ids))


def _questions(problems: pl.LazyFrame, chosen: pl.Series) -> Iterator[pl.Series]:
    """The chosen questions, in batches; `chosen` has a truth value for each row."""
    start = 0
    for batch in problems.select("problem").collect_batches(chunk_size=BATCH_ROWS, maintain_order=True):
        yield batch["problem"].filter(chosen.slice(start, batch.height))
        start += batch.height


def _signatures(
    problems: pl.LazyFrame, judged: pl.Series, params: DedupParams, threads: int
) -> tuple[U64, U32]:
    """A hash of each judged question's words, and its keys [bands, rows]."""

    def signed(questions: pl.Series) -> tuple[U64, U32]:
        texts = hashed_tokens(questions)
        keys = band_keys(shingles(texts, SHINGLE), params.bands, params.rows_per_band)
        return sequence_hashes(texts), keys

    rows = int(judged.sum())
    digests, keys = np.empty(rows, dtype=np.uint64), np.empty((params.bands, rows), dtype=np.uint32)
    start = 0
    for some_digests, some_keys in mapped(signed, _questions(problems, judged), threads):
        end = start + len(some_digests)
        digests[start:end], keys[:, start:end] = some_digests, some_keys
        start = end
    return digests, keys


def _groups(digests: U64) -> tuple[I64, I64]:
    """The first place of each digest, ascending, and for each place the number of its group among these."""
    _, first, group_of = np.unique(digests, return_index=True, return_inverse=True)
    ascending = np.argsort(first)
    number = np.empty(len(first), dtype=np.int64)
    number[ascending] = np.arange(len(first))
    return first[ascending], number[group_of]


def _nearest(
    problems: pl.LazyFrame, judged: pl.Series, rows: I64, keys: U32, params: DedupParams, place: Workplace
) -> I64:
    """For each of the rows (numbers among the judged ones, in survivor order) the place of the kept one that
    is like it, or KEPT.
    """
    found = np.full(len(rows), KEPT, dtype=np.int64)
    buckets = shared_buckets(keys[:, rows])
    sharing = np.flatnonzero((buckets != ALONE).any(axis=0))
    if not len(sharing):
        return found
    chosen = np.zeros(len(judged), dtype=np.bool_)
    places = np.flatnonzero(judged.to_numpy())[rows[sharing]]
    chosen[places] = True

    def sets(questions: pl.Series) -> Sets:
        return shingles(hashed_tokens(questions), SHINGLE)

    with TemporaryFile(dir=place.directory) as file:
        parts = mapped(sets, _questions(problems, pl.Series(chosen)), place.threads)
        order = np.argsort(np.argsort(places))  # number of each set in the file, which has the table's order
        nearest = survivors(gathered(parts, file), order, buckets[:, sharing], params.threshold)
    found[sharing] = np.where(nearest == KEPT, KEPT, sharing[nearest])
    return found
